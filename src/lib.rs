//! eipd.
