//! A small schema language, enough for QCDml: sequences of elements with their forms, choices, and open ends.

use super::Violation;
use super::form::Form;
use super::tree::Node;

/// What an element holds.
pub(super) enum Rule {
    /// Text and no elements.
    Value(Form),
    /// Elements in this order and no text.
    Group(&'static [Item]),
    /// Anything.
    Open,
}

/// A place in a sequence.
pub(super) enum Item {
    /// An element, from `least` times (0 or 1) to once or, if `many`, any number of times.
    Element { name: &'static str, least: usize, many: bool, rule: Rule },
    /// An element whose name is listed with its rule; `many` as above, once at least.
    Named { what: &'static str, many: bool, rules: &'static [(&'static str, Rule)] },
    /// One of these sequences.
    Choice(&'static [&'static [Item]]),
    /// Any number of elements of other namespaces.
    Foreign,
    /// Whatever else follows.
    Rest,
}

pub(super) const fn one(name: &'static str, rule: Rule) -> Item {
    Item::Element { name, least: 1, many: false, rule }
}

pub(super) const fn optional(name: &'static str, rule: Rule) -> Item {
    Item::Element { name, least: 0, many: false, rule }
}

pub(super) const fn several(name: &'static str, rule: Rule) -> Item {
    Item::Element { name, least: 1, many: true, rule }
}

pub(super) const fn any(name: &'static str, rule: Rule) -> Item {
    Item::Element { name, least: 0, many: true, rule }
}

pub(super) const fn text(name: &'static str, form: Form) -> Item {
    one(name, Rule::Value(form))
}

pub(super) const fn maybe(name: &'static str, form: Form) -> Item {
    optional(name, Rule::Value(form))
}

/// A document under examination.
pub(super) struct Check<'a> {
    nodes: &'a [Node],
    namespace: &'static str,
    found: Vec<Violation>,
}

/// Children of one element that were matched with their rules, and how far that went.
struct Match {
    next: usize,
    pairs: Vec<(usize, &'static Rule)>,
}

/// Why a sequence does not match: at which child, and what to do.
type Mismatch = (usize, String);

impl<'a> Check<'a> {
    /// Compares the root's content with a rule. The depth of recursion is that of the rules, not of the document.
    pub fn run(nodes: &'a [Node], namespace: &'static str, rule: &'static Rule) -> Vec<Violation> {
        let mut check = Self { nodes, namespace, found: Vec::new() };
        check.element(0, rule, &nodes[0].name);
        check.found
    }

    fn element(&mut self, index: usize, rule: &'static Rule, path: &str) {
        let node = &self.nodes[index];
        match rule {
            Rule::Open => {}
            Rule::Value(form) => {
                if let Some(&child) = node.children.first() {
                    let name = &self.nodes[child].name;
                    self.report(
                        index,
                        path,
                        format!("it must hold text only, but holds <{name}>; remove that"),
                    );
                } else if let Some(needed) = form.complaint(&node.text) {
                    let shown: String = node.text.trim().chars().take(60).collect();
                    self.report(index, path, format!("it is `{shown}`; {needed}"));
                }
            }
            Rule::Group(items) => {
                if !node.text.trim().is_empty() {
                    self.report(
                        index,
                        path,
                        "it must hold elements only, but there is text between them".into(),
                    );
                }
                let children = &node.children;
                let mut matched = Match { next: 0, pairs: Vec::new() };
                let outcome = self.sequence(items, children, &mut matched);
                let outcome = outcome.and_then(|()| match children.get(matched.next) {
                    None => Ok(()),
                    Some(_) => Err((matched.next, "nothing more may follow".into())),
                });
                if let Err((at, needed)) = outcome {
                    let problem = match children.get(at) {
                        Some(&child) => {
                            let name = &self.nodes[child].name;
                            format!(
                                "<{name}> (line {}) does not belong there: {needed}",
                                self.nodes[child].line
                            )
                        }
                        None => format!("something is missing at its end: {needed}"),
                    };
                    self.report(index, path, problem);
                }
                for (child, rule) in matched.pairs {
                    let path = format!("{path}/{}", self.nodes[child].name);
                    self.element(child, rule, &path);
                }
            }
        }
    }

    fn report(&mut self, index: usize, path: &str, problem: String) {
        self.found.push(Violation { path: path.into(), line: self.nodes[index].line, problem });
    }

    /// Whether a child is of the document's namespace and has this name.
    fn is(&self, child: usize, name: &str) -> bool {
        self.nodes[child].name == name && self.nodes[child].namespace == self.namespace
    }

    fn sequence(
        &self,
        items: &'static [Item],
        children: &[usize],
        matched: &mut Match,
    ) -> Result<(), Mismatch> {
        for item in items {
            match item {
                Item::Element { name, least, many, rule } => {
                    let mut count = 0;
                    while let Some(&child) = children.get(matched.next)
                        && self.is(child, name)
                        && (*many || count == 0)
                    {
                        matched.pairs.push((child, rule));
                        matched.next += 1;
                        count += 1;
                    }
                    if count < *least {
                        return Err((matched.next, format!("<{name}> must stand there")));
                    }
                }
                Item::Named { what, many, rules } => {
                    let mut count = 0;
                    while let Some(&child) = children.get(matched.next)
                        && let Some((_, rule)) = rules.iter().find(|(name, _)| self.is(child, name))
                        && (*many || count == 0)
                    {
                        matched.pairs.push((child, rule));
                        matched.next += 1;
                        count += 1;
                    }
                    if count == 0 {
                        return Err((matched.next, format!("{what} must stand there")));
                    }
                }
                Item::Choice(alternatives) => {
                    let (begin, pairs) = (matched.next, matched.pairs.len());
                    let mut furthest: Option<Mismatch> = None;
                    let mut fits = false;
                    for alternative in *alternatives {
                        matched.next = begin;
                        matched.pairs.truncate(pairs);
                        match self.sequence(alternative, children, matched) {
                            Ok(()) => {
                                fits = true;
                                break;
                            }
                            Err(mismatch) if furthest.as_ref().is_none_or(|(at, _)| mismatch.0 > *at) => {
                                furthest = Some(mismatch);
                            }
                            Err(mismatch) if furthest.as_ref().is_some_and(|(at, _)| mismatch.0 == *at) => {
                                if let Some((_, needed)) = &mut furthest {
                                    *needed += ", or ";
                                    *needed += &mismatch.1;
                                }
                            }
                            Err(_) => {}
                        }
                    }
                    if let (false, Some(mismatch)) = (fits, furthest) {
                        return Err(mismatch);
                    }
                }
                Item::Foreign => {
                    while let Some(&child) = children.get(matched.next)
                        && self.nodes[child].namespace != self.namespace
                        && !self.nodes[child].namespace.is_empty()
                    {
                        matched.next += 1;
                    }
                }
                Item::Rest => matched.next = children.len(),
            }
        }
        Ok(())
    }
}
