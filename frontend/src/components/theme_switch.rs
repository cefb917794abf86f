//! Chooses between light, dark and the system's own theme.

use leptos::prelude::*;

use crate::browser::theme::Theme;

/// The theme switch: one button that goes round, because three take too much room on a telephone.
#[component]
pub fn ThemeSwitch() -> impl IntoView {
    let theme = ArcRwSignal::new(Theme::remembered());
    let next = |theme: Theme| {
        let at = Theme::ALL.iter().position(|&other| other == theme).unwrap_or_default();
        Theme::ALL[(at + 1) % Theme::ALL.len()]
    };
    let (label, title) = (theme.clone(), theme.clone());
    view! {
        <button
            class="theme-switch"
            type="button"
            title=move || format!("Theme: {}. Press for {}.", title.get().label(), next(title.get()).label())
            on:click=move |_| {
                let chosen = next(theme.get_untracked());
                chosen.apply();
                theme.set(chosen);
            }
        >
            <svg viewBox="0 0 20 20" aria-hidden="true">
                <circle cx="10" cy="10" r="7" fill="none" stroke="currentColor" stroke-width="2" />
                <path d="M10 3a7 7 0 0 1 0 14z" fill="currentColor" />
            </svg>
            <span class="visually-hidden">"Theme: "</span>
            <span class="theme-name">{move || label.get().label()}</span>
        </button>
    }
}
