//! A folder of configurations as one thing: which files belong to it, whether they are in order, what they average to.

mod about;
mod averages;
mod chains;
mod content;
mod document;
mod examine;
mod finding;
mod member;
mod number;
mod outlier;
mod qcdml;
mod read;
mod rounded;
mod scan;
mod series;
mod store;
mod work;

pub(crate) use about::About;
pub(crate) use examine::Task;
pub(crate) use finding::show;
pub(crate) use member::Member;
pub(crate) use member::collect;
pub(crate) use qcdml::Documents;
pub(crate) use read::Read;
pub(crate) use scan::Ensemble;
