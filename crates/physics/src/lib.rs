//! Actions, observables, updates, Dirac operators and solvers.
