//! Keeps the WebRTC certificate.
