//! How the gradient of the reverse Kullback–Leibler divergence is estimated.

use serde::{Deserialize, Serialize};

/// An unbiased estimator of ∇⟨ln q + S⟩ from configurations U = f(V).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Estimator {
    /// The total derivative of ln q(f(V)) + S(f(V)).
    #[default]
    Reparametrised,
    /// The same without the derivative of ln q at fixed U, whose mean is 0 but whose variance is not: that through U alone,
    /// Σ ∂(ln q + S)/∂U ∂U/∂θ. It vanishes for every configuration where q is e^{−S}/Z (Roeder et al., arXiv:1703.09194;
    /// for flows Vaitl et al., arXiv:2206.09016, 2207.08219).
    Path,
    /// No derivative of S: the mean of (ℓ − ℓ̄) ∂ ln q/∂θ at fixed U, with ℓ = ln q + S and ℓ̄ the mean over the other
    /// configurations of the group (REINFORCE with a control variate). Its mean is also the gradient of half the variance of
    /// ℓ at fixed U (VarGrad; Richter et al., arXiv:2010.10436).
    Score,
}
