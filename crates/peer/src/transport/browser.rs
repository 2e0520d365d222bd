//! Browser transports.
