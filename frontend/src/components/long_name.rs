//! A name that may be longer than its place, shown so that names which begin or end alike do not look alike.

use leptos::prelude::*;

use crate::state::halves::halves;

/// The name, on one line or two. Whoever shows it gives its whole where it can be heard and hovered over.
#[component]
pub fn LongName(
    /// The name as it is read: nothing in it hides ([`crate::state::visible`]).
    name: String,
) -> impl IntoView {
    let (first, second) = halves(&name);
    let (first, second) = (first.to_owned(), second.to_owned());
    // The second is cut at its left: its box runs from right to left, and what stands in it does not.
    view! {
        <span class="long-name"><span class="half">{first}</span><span class="half end"><bdi dir="ltr">{second}</bdi></span></span>
    }
}
