//! Documentation as modules: why things are as they are. There is no code here.

pub mod defaults;
pub mod threats;
