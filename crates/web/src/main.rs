//! Dashboard.

fn main() {
    statemesh_web::mount();
}
