//! Lattice geometry, fields, number types, groups, communication, random numbers and exact sums.
