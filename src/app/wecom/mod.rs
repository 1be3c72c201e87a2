//! What the service does in `WeCom` and what it learns from there; not how calls and events are written.
