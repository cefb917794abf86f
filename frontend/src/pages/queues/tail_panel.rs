//! The chosen channel: its messages, the channel itself, or the form to publish.

use leptos::html::Div;
use leptos::prelude::*;
use signalbox_shared::ChannelName;

use super::channel_detail::ChannelPage;
use super::field_charts::FieldCharts;
use super::message_detail::MessageDetail;
use super::publish_draft::Draft;
use super::publish_form::PublishForm;
use super::tail_accounts::Accounts;
use super::tail_controls::TailControls;
use super::tail_filter::TailFilter;
use super::tail_list::{Pins, TailList};
use super::{QUERY_TAB, can};
use crate::components::empty::Empty;
use crate::components::long_name::LongName;
use crate::control::use_control;
use crate::state::route::View;
use crate::state::shell_word::shell_word;
use crate::state::tail::Tail;
use crate::state::{units, visible};
use signalbox_shared::socket::TailMode;

/// A part of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tab {
    Messages,
    Channel,
    Publish,
}

impl Tab {
    const ALL: [Self; 3] = [Self::Messages, Self::Channel, Self::Publish];

    fn read(text: Option<&str>) -> Self {
        match text {
            Some("channel") => Self::Channel,
            Some("publish") => Self::Publish,
            _ => Self::Messages,
        }
    }

    fn key(self) -> Option<&'static str> {
        match self {
            Self::Messages => None,
            Self::Channel => Some("channel"),
            Self::Publish => Some("publish"),
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Messages => "Messages",
            Self::Channel => "Channel",
            Self::Publish => "Publish",
        }
    }
}

/// The panel.
#[component]
pub fn ChannelPanel(
    /// The channel.
    chosen: Memo<Option<ChannelName>>,
) -> impl IntoView {
    let control = use_control();
    let query = control.stores.query.clone();
    let can_publish = can(&control, |permits| permits.publish);
    let tab = Memo::new(move |_| {
        let tab = Tab::read(query.with(|query| query.get(QUERY_TAB).map(str::to_owned)).as_deref());
        if tab == Tab::Publish && !can_publish.get() { Tab::Messages } else { tab }
    });
    // What is written stays while one looks at messages or at another channel.
    let draft = Draft::default();
    view! {
        <section class="panel tail-panel" aria-label="Channel">
            {move || match chosen.get() {
                Some(channel) => view! { <Chosen channel tab draft chosen /> }.into_any(),
                None => view! { <NoneChosen chosen draft /> }.into_any(),
            }}
        </section>
    }
}

/// Without a channel: how to come to one, and the form, for a channel may begin with its first message.
#[component]
fn NoneChosen(
    /// The channel.
    chosen: Memo<Option<ChannelName>>,
    /// What the form holds.
    draft: Draft,
) -> impl IntoView {
    let control = use_control();
    let can_publish = can(&control, |permits| permits.publish);
    let back = move |_| control.set_query(QUERY_TAB, None);
    view! {
        <div class="none-chosen">
            <button class="button quiet back" type="button" on:click=back>"← Channels"</button>
            <Empty
                title="Choose a channel to see its messages"
                text="Looking takes nothing away: the page sees copies. Or listen from a terminal:"
                commands=vec!["signalbox listen /topic/hello".to_owned()]
            />
            <Show when=move || can_publish.get()>
                <PublishForm chosen draft />
            </Show>
        </div>
    }
}

#[component]
fn Chosen(
    /// The channel.
    channel: ChannelName,
    /// Which part of it is shown.
    tab: Memo<Tab>,
    /// What the form holds.
    draft: Draft,
    /// The same channel, for the form.
    chosen: Memo<Option<ChannelName>>,
) -> impl IntoView {
    let control = use_control();
    let can_publish = can(&control, |permits| permits.publish);
    let buttons = move || {
        let control = control.clone();
        let offered = Tab::ALL.into_iter().filter(move |tab| *tab != Tab::Publish || can_publish.get());
        let button = move |of: Tab| {
            let control = control.clone();
            view! {
                <button
                    class="button segment"
                    type="button"
                    aria-pressed=move || (tab.get() == of).to_string()
                    on:click=move |_| control.set_query(QUERY_TAB, of.key().map(str::to_owned))
                >
                    {of.title()}
                </button>
            }
        };
        offered.map(button).collect_view()
    };
    let name = visible::line(channel.as_str().as_bytes());
    let title = name.clone();
    view! {
        <div class="panel-head tail-head">
            <a class="button quiet back" href=View::Queues(None).href()>"← Channels"</a>
            <h2 title=title><LongName name /></h2>
            <div class="segments" role="group" aria-label="What is shown of the channel">{buttons}</div>
        </div>
        {move || match tab.get() {
            Tab::Messages => view! { <Messages channel=channel.clone() draft /> }.into_any(),
            Tab::Channel => view! { <ChannelPage channel=channel.clone() /> }.into_any(),
            Tab::Publish => view! { <PublishForm chosen draft /> }.into_any(),
        }}
    }
}

#[component]
fn Messages(
    /// The channel.
    channel: ChannelName,
    /// What the publish form holds, for a message that is edited.
    draft: Draft,
) -> impl IntoView {
    let control = use_control();
    let chosen_row = RwSignal::new(None::<u64>);
    let list: NodeRef<Div> = NodeRef::new();
    let tail = control.stores.tail.clone();
    let nothing = Memo::new(move |_| tail.with(|tail| Nothing::of(tail.as_ref())));
    let of_empty = channel.clone();
    // A payload that nobody reads need not be kept.
    Effect::new(move |was_open: Option<bool>| {
        let is_open = chosen_row.get().is_some();
        if was_open == Some(true) && !is_open {
            control.stores.whole.update(|whole| *whole = None);
        }
        is_open
    });
    view! {
        <TailControls channel=channel />
        <TailFilter />
        <TailNotice />
        <Accounts />
        <FieldCharts />
        <Pins chosen_row />
        <div class="tail-body" data-detail=move || chosen_row.get().is_some().to_string()>
            <TailList chosen_row scroller=list />
            {move || nothing.get().map(|nothing| view! { <div class="tail-empty">{nothing.view(&of_empty)}</div> })}
            {move || chosen_row.get().map(|serial| view! { <MessageDetail serial chosen_row list draft /> })}
        </div>
    }
}

/// Why a list is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nothing {
    /// Nothing has come.
    Yet,
    /// So many wait for the end of a pause.
    Waits(u64),
    /// The filter kept so many back, all that came.
    Wanted(u64),
    /// There is no subscription, and it has been said why.
    Refused,
}

impl Nothing {
    /// None when there is something.
    fn of(tail: Option<&Tail>) -> Option<Self> {
        let Some(tail) = tail else { return Some(Self::Yet) };
        if !tail.is_empty() {
            return None;
        }
        Some(match tail.n_behind() {
            _ if tail.refusal.is_some() => Self::Refused,
            0 if 0 < tail.accounts.filtered => Self::Wanted(tail.accounts.filtered),
            0 => Self::Yet,
            n => Self::Waits(n),
        })
    }

    fn view(self, channel: &ChannelName) -> Option<AnyView> {
        let name = visible::line(channel.as_str().as_bytes());
        let view = match self {
            Self::Yet => view! {
                <Empty
                    title="No message yet"
                    text=format!("Messages appear here as they are published to {name}.")
                    commands=vec![format!("signalbox send {} --interval 1", shell_word(channel.as_str()))]
                />
            }
            .into_any(),
            Self::Waits(n) => view! {
                <Empty
                    title=units::counted(n, "message waits", "messages wait")
                    text="The list stands still; Resume shows them."
                />
            }
            .into_any(),
            Self::Wanted(n) => view! {
                <Empty
                    title="No message that the filter wants"
                    text=format!("It kept {} back.", units::counted(n, "message", "messages"))
                />
            }
            .into_any(),
            Self::Refused => return None,
        };
        Some(view)
    }
}

/// What a person must know about this tail before reading it.
#[component]
fn TailNotice() -> impl IntoView {
    let tail = use_control().stores.tail;
    let notice = Memo::new(move |_| {
        tail.with(|tail| {
            let tail = tail.as_ref()?;
            if let Some(why) = &tail.refusal {
                return Some(("bad", format!("The relay refused: {why}")));
            }
            (tail.mode == TailMode::Consume).then(|| {
                let text = "Consuming: messages shown here are taken out of the queue, and nobody else gets them. It ends when you leave this view.";
                ("warn", text.to_owned())
            })
        })
    });
    move || {
        notice.get().map(|(kind, text)| view! { <p class=format!("notice {kind}") role="status">{text}</p> })
    }
}
