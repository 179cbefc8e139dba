//! What the end-to-end tests share: a real uMap server, real browsers, a proxy that can be cut.
