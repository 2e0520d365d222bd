//! Native transports.
