//! LIME records, ILDG and SciDAC files: bytes, checksums and metadata, no physics.
