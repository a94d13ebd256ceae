pub(super) fn is_available() -> bool {
    false
}
use super::portable;
pub(super) use portable::{multiply, reduce, select, square};
