//! temporary
/// r
pub fn rig() -> String {
    String::new()
}
/// s
pub fn suite() -> String {
    String::new()
}
