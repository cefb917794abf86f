//! The chart in a real browser: what its canvases show, when it draws, and that it leaves nothing behind.
#![cfg(target_arch = "wasm32")]

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use leptos::mount::mount_to;
use leptos::prelude::*;
use send_wrapper::SendWrapper;
use signalbox_frontend::chart::axis_range::ValueRange;
use signalbox_frontend::chart::css_colors::NAMED;
use signalbox_frontend::chart::draw::ChartContext;
use signalbox_frontend::chart::legend::Pick;
use signalbox_frontend::chart::observers::look_of;
use signalbox_frontend::chart::pacer::{Next, Pace, Pacer};
use signalbox_frontend::chart::paint::{Inks, Line};
use signalbox_frontend::chart::palette::{Rgb, Theme};
use signalbox_frontend::chart::plot::{Drawn, Frame, Plot};
use signalbox_frontend::chart::pointer::ChartAct;
use signalbox_frontend::chart::series::{Room, Series};
use signalbox_frontend::chart::store::{SeriesStore, StoreBounds};
use signalbox_frontend::chart::store_handle::StoreHandle;
use signalbox_frontend::chart::timeline::Timeline;
use signalbox_frontend::chart::view::Chart;
use signalbox_frontend::state::marks::Marks;
use signalbox_frontend::state::series_choice::SeriesChoice;
use signalbox_frontend::state::time_cursor::TimeCursor;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{
    CanvasRenderingContext2d, HtmlCanvasElement, HtmlElement, KeyboardEvent, KeyboardEventInit, MouseEvent,
    MouseEventInit,
};

wasm_bindgen_test_configure!(run_in_browser);

const WIDTH: i32 = 400;
const HEIGHT: i32 = 160;
const WINDOW_MS: f64 = 20_000.0;
const BEGIN_MS: f64 = 1.7e12;
const INKS: Inks = Inks { text: Rgb(20, 20, 20), theme: Theme::Light };

fn host() -> HtmlElement {
    let document = document();
    let host: HtmlElement = document.create_element("div").expect("a div").unchecked_into();
    for (name, value) in [("position", "relative"), ("width", "400px"), ("height", "160px")] {
        host.style().set_property(name, value).expect("a style");
    }
    document.body().expect("a body").append_child(&host).expect("appended");
    host
}

fn plot(host: &HtmlElement) -> Plot {
    let mut plot = Plot::new(host, "sans-serif", INKS).expect("a plot");
    plot.resize(WIDTH, HEIGHT, 1.0);
    plot
}

/// A wave with a gap, one point every 130 ms.
fn extend(series: &mut Series, n_points: std::ops::Range<u32>, phase: f64) {
    for n in n_points {
        let n = f64::from(n);
        if (40.0..48.0).contains(&n) {
            continue;
        }
        let value = (n / 9.0 + phase).sin() + 0.4 * (n * 1.7).cos();
        series.push(BEGIN_MS + n * 130.0, value, &mut Room::new(10_000));
    }
}

fn draw(plot: &mut Plot, series: &[Series], edge_ms: f64) -> Drawn {
    draw_moving(plot, series, edge_ms, WINDOW_MS, 0.0)
}

/// As [`draw`], of a picture that may move on by itself for so long.
fn draw_moving(plot: &mut Plot, series: &[Series], edge_ms: f64, window_ms: f64, moves_for_ms: f64) -> Drawn {
    let colors = [Rgb(220, 0, 0), Rgb(0, 0, 220)];
    let lines: Vec<Line<'_>> = series
        .iter()
        .enumerate()
        .map(|(n, series)| Line { id: n as u64, color: colors[n % 2], series })
        .collect();
    plot.draw(&Frame {
        lines: &lines,
        window_ms,
        edge_ms,
        steady_ms: edge_ms,
        utc_offset_ms: 0,
        fixed: Some(ValueRange { min: -1.5, max: 1.5 }),
        moves_for_ms,
        is_calm: true,
    })
}

fn canvases(host: &HtmlElement) -> Vec<HtmlCanvasElement> {
    let list = host.query_selector_all("canvas").expect("a list");
    (0..list.length()).filter_map(|n| list.item(n)?.dyn_into().ok()).collect()
}

/// What the reader sees of the lines, put together from the tiles as they stand.
fn seen(host: &HtmlElement) -> Vec<u8> {
    let all = document().create_element("canvas").expect("a canvas").unchecked_into::<HtmlCanvasElement>();
    all.set_width(WIDTH as u32);
    all.set_height(HEIGHT as u32);
    let context: CanvasRenderingContext2d =
        all.get_context("2d").expect("a context").expect("a context").unchecked_into();
    let (width, height) = (f64::from(WIDTH), f64::from(HEIGHT));
    for tile in &canvases(host)[1..3] {
        let clip = tile.parent_element().and_then(|mover| mover.parent_element()).expect("a clip");
        let (clip, tile_box) = (clip.get_bounding_client_rect(), tile.get_bounding_client_rect());
        let left = (tile_box.left() - clip.left()).round();
        context.draw_image_with_html_canvas_element(tile, left, 0.0).expect("drawn");
        // The clip is narrower than the box: what is right of it nobody sees.
        context.clear_rect(clip.width(), 0.0, width - clip.width(), height);
    }
    context.get_image_data(0.0, 0.0, width, height).expect("pixels").data().to_vec()
}

/// How many pixels differ by more than a rasteriser's rounding, which depends on where a path is clipped. A stroke that
/// is missing, doubled or a pixel off differs by far more.
fn n_unlike(a: &[u8], b: &[u8]) -> usize {
    const ROUNDING: i32 = 96;
    let premultiplied = |pixel: &[u8], n: usize| {
        let alpha = i32::from(pixel[3]);
        if n == 3 { alpha } else { i32::from(pixel[n]) * alpha / 255 }
    };
    let is_unlike = |(a, b): &(&[u8], &[u8])| {
        (0..4).any(|n| ROUNDING < (premultiplied(a, n) - premultiplied(b, n)).abs())
    };
    a.chunks(4).zip(b.chunks(4)).filter(is_unlike).count()
}

#[wasm_bindgen_test]
fn a_scrolled_picture_is_the_picture_that_a_full_drawing_gives() {
    let scrolled_host = host();
    let mut scrolled = plot(&scrolled_host);
    let mut series = vec![Series::new(4_096), Series::new(4_096)];
    let mut n_full = 0;
    for step in 0..60u32 {
        // The second one's points come in bundles of three, late.
        extend(&mut series[0], step * 7..(step + 1) * 7, 0.0);
        if step % 3 == 2 {
            extend(&mut series[1], (step - 2) * 7..(step + 1) * 7, 2.0);
        }
        let edge_ms = BEGIN_MS + f64::from(step) * 910.0 + 433.0;
        n_full += usize::from(draw(&mut scrolled, &series, edge_ms).is_full);
        if step % 5 == 4 {
            let full_host = host();
            let mut full_plot = plot(&full_host);
            draw(&mut full_plot, &series, edge_ms);
            let full = seen(&full_host);
            full_host.remove();
            let seen = seen(&scrolled_host);
            assert_eq!(n_unlike(&seen, &full), 0, "pixels differ at step {step}");
            assert!(
                full.chunks(4).any(|pixel| 200 < pixel[0] && pixel[1] < 40 && 100 < pixel[3]),
                "no red line"
            );
        }
    }
    assert!(n_full <= 3, "{n_full} full drawings");
    scrolled_host.remove();
}

#[wasm_bindgen_test]
fn a_frame_without_news_draws_nothing() {
    let host = host();
    let mut plot = plot(&host);
    let mut series = vec![Series::new(4_096)];
    extend(&mut series[0], 0..100, 0.0);
    let first = draw(&mut plot, &series, BEGIN_MS + 13_000.0);
    assert!(first.is_full && first.has_axis);
    let again = draw(&mut plot, &series, BEGIN_MS + 13_001.0);
    assert_eq!(again, Drawn::default());
    extend(&mut series[0], 100..104, 0.0);
    let next = draw(&mut plot, &series, BEGIN_MS + 13_500.0);
    assert!(!next.is_full && !next.has_axis && (1..40).contains(&next.n_columns), "{next:?}");
    host.remove();
}

#[wasm_bindgen_test]
fn a_compositor_moves_only_what_moves_quickly() {
    let host = host();
    let mut plot = plot(&host);
    let mut series = vec![Series::new(4_096)];
    extend(&mut series[0], 0..100, 0.0);
    let n_animations = || {
        let document: JsValue = document().into();
        let list = js_sys::Reflect::get(&document, &"getAnimations".into()).expect("a function");
        let list = list.unchecked_into::<js_sys::Function>().call0(&document).expect("a list");
        list.unchecked_into::<js_sys::Array>().length()
    };
    let edge_ms = BEGIN_MS + 13_000.0;
    let quick = draw_moving(&mut plot, &series, edge_ms, WINDOW_MS, 1_000.0);
    assert!((900.0..=1_000.0).contains(&quick.moves_for_ms) && quick.step_ms == 0.0, "{quick:?}");
    assert_eq!(n_animations(), 2, "lines and time labels");
    let slow = draw_moving(&mut plot, &series, edge_ms, 10.0 * WINDOW_MS, 1_000.0);
    let column_ms = plot.placed().expect("drawn").time.ms_per_px();
    assert_eq!((slow.moves_for_ms, slow.step_ms), (0.0, column_ms));
    assert_eq!(n_animations(), 0);
    host.remove();
}

/// The value axis, the lines and the time labels.
fn layers(host: &HtmlElement) -> [Vec<u8>; 3] {
    let pixels = |index: usize| {
        let canvas = &canvases(host)[index];
        let context: CanvasRenderingContext2d =
            canvas.get_context("2d").expect("a context").expect("a context").unchecked_into();
        let (width, height) = (f64::from(canvas.width()), f64::from(canvas.height()));
        context.get_image_data(0.0, 0.0, width, height).expect("pixels").data().to_vec()
    };
    [pixels(0), seen(host), pixels(3)]
}

#[wasm_bindgen_test]
fn lines_that_are_drawn_anew_leave_the_other_layers_alone() {
    let host = host();
    let mut plot = plot(&host);
    let mut series = vec![Series::new(4_096), Series::new(4_096)];
    series.iter_mut().for_each(|series| extend(series, 0..200, 0.0));
    draw(&mut plot, &series, BEGIN_MS + 26_000.0);
    let before = layers(&host);
    plot.forget_lines();
    let again = draw(&mut plot, &series, BEGIN_MS + 26_000.0);
    assert!(again.is_full && !again.has_axis, "{again:?}");
    assert!(layers(&host) == before, "the picture is the same");
    host.remove();
}

#[wasm_bindgen_test]
fn a_changed_picture_is_that_of_a_new_chart() {
    const DARK: Inks = Inks { text: Rgb(230, 230, 230), theme: Theme::Dark };
    let mut series = vec![Series::new(4_096)];
    extend(&mut series[0], 0..600, 0.0);
    let changed_host = host();
    let mut changed = plot(&changed_host);
    draw(&mut changed, &series, BEGIN_MS + 22_000.0);
    let check = |changed: &mut Plot, edge_ms: f64, inks: Inks, what: &str| {
        assert!(draw(changed, &series, edge_ms).is_full, "{what}");
        let new_host = host();
        let mut new = plot(&new_host);
        new.set_inks(inks);
        draw(&mut new, &series, edge_ms);
        assert!(layers(&changed_host) == layers(&new_host), "{what}");
        new_host.remove();
    };
    check(&mut changed, BEGIN_MS + 75_000.0, INKS, "a window that holds nothing of the one before");
    changed.set_inks(DARK);
    check(&mut changed, BEGIN_MS + 75_000.0, DARK, "other colours");
    check(&mut changed, BEGIN_MS + 31_000.0, DARK, "back in time");
    changed_host.remove();
}

#[wasm_bindgen_test]
fn drawing_adds_nothing_to_the_document() {
    let host = host();
    let mut plot = plot(&host);
    let n_elements = || document().query_selector_all("*").expect("a list").length();
    let before = n_elements();
    let mut series = vec![Series::new(4_096)];
    extend(&mut series[0], 0..100, 0.0);
    draw(&mut plot, &series, BEGIN_MS + 13_000.0);
    assert_eq!(n_elements(), before, "text is measured without the document");
    drop(plot);
    assert_eq!(canvases(&host).len(), 0, "layers go with their plot");
    host.remove();
}

#[wasm_bindgen_test]
fn canvases_have_the_devices_pixels() {
    let host = host();
    let mut plot = Plot::new(&host, "sans-serif", INKS).expect("a plot");
    plot.resize(WIDTH * 2, HEIGHT * 2, 2.0);
    let axis = &canvases(&host)[0];
    assert_eq!((axis.width(), axis.height()), (800, 320));
    assert_eq!(axis.get_bounding_client_rect().width(), 400.0);
    plot.resize(0, 0, 2.0);
    let drawn = draw(&mut plot, &[], BEGIN_MS);
    assert_eq!(drawn, Drawn::default(), "a box without size is not drawn");
    host.remove();
}

#[wasm_bindgen_test]
fn the_browser_knows_the_same_colours() {
    let host = host();
    for (name, word) in NAMED {
        host.style().set_property("color", name).expect("a style");
        let [_, r, g, b] = word.to_be_bytes();
        assert_eq!(look_of(&host).0.text, Rgb(r, g, b), "{name}");
    }
    host.style().set_property("color", "oklch(0.95 0.01 250)").expect("a style");
    assert_eq!(look_of(&host).0.theme, Theme::Dark, "light text stands on dark ground");
    host.remove();
}

#[wasm_bindgen_test]
async fn at_most_one_drawing_per_frame_and_none_unseen() {
    let n_drawn = Rc::new(Cell::new(0));
    let counter = n_drawn.clone();
    let pacer = Pacer::new(move || {
        counter.set(counter.get() + 1);
        Pace { next: Next::WhenAsked, gap_ms: 0.0 }
    });
    (0..10).for_each(|_| pacer.ask());
    frames(2).await;
    assert_eq!(n_drawn.get(), 1);
    pacer.set_shown(false);
    pacer.ask();
    pacer.data();
    frames(2).await;
    assert_eq!(n_drawn.get(), 1, "nobody looks");
    pacer.set_shown(true);
    frames(2).await;
    assert_eq!(n_drawn.get(), 2, "what was asked for is drawn when somebody looks");
    pacer.set_shown(false);
    pacer.unseen();
    assert_eq!(n_drawn.get(), 3, "on paper it is seen");
    pacer.ask();
    drop(pacer);
    frames(2).await;
    assert_eq!(n_drawn.get(), 3, "a dropped pacer does not draw");
}

#[wasm_bindgen_test]
async fn the_component_shows_what_the_store_holds() {
    let host = host();
    let store = Rc::new(Cell::new(None));
    let made = store.clone();
    let acts = SendWrapper::new(Rc::new(RefCell::new(Vec::<ChartAct>::new())));
    let acts_in_chart = acts.clone();
    let handle = mount_to(host.clone(), move || {
        let store = StoreHandle::new(StoreBounds::default());
        made.set(Some(store));
        let choice = RwSignal::new(SeriesChoice::default());
        let on_pick = Callback::new(move |pick| match pick {
            Pick::Solo(name) => choice.update(|choice| choice.solo(&name)),
            Pick::Toggle(name) => choice.update(|choice| choice.toggle(&name)),
        });
        let cursor = RwSignal::new(TimeCursor::default());
        let paused_at_ms = Signal::derive(move || cursor.with(TimeCursor::paused_at_ms));
        let context = ChartContext {
            store,
            past: store,
            is_past: Signal::stored(false),
            timeline: Timeline::new(store, Signal::stored(60.0), paused_at_ms),
            choice: choice.into(),
            cursor: cursor.into(),
            marks: Signal::stored(Marks::default()),
            on_act: Callback::new(move |act| acts_in_chart.borrow_mut().push(act)),
        };
        let fixed = Signal::stored(None);
        let thresholds = Signal::stored(Vec::new());
        view! { <Chart title="Processor" unit="%" metric="cpu" context fixed thresholds on_pick /> }
    });
    let store = store.take().expect("mounted");
    eventually("the empty state", || text(&host, ".chart-empty").as_deref() == Some("No data yet")).await;

    let now_ms = js_sys::Date::now();
    for (name, value) in [("red", 44.0), ("<b>x</b>", 3.17)] {
        store.update(|store| {
            (0..30).for_each(|n| {
                store.push_point(name, now_ms - f64::from(29 - n) * 1e3, [("cpu", value)].into_iter());
            });
        });
    }
    let last_value = ".chart-legend li:last-child .chart-value";
    eventually("the legend", || text(&host, last_value).as_deref() == Some("44.0")).await;
    eventually("the empty state to go", || text(&host, ".chart-empty").is_none()).await;
    assert_eq!(text(&host, ".chart-name").as_deref(), Some("<b>x</b>"), "names are data");
    let label = || host.query_selector("[role=application]").ok().flatten()?.get_attribute("aria-label");
    eventually("the label", || label().is_some_and(|label| label.contains("Processor (%) of <b>x</b>, red")))
        .await;
    key(&host, "ArrowLeft");
    key(&host, "0");
    let newest_ms = now_ms.round();
    assert!(
        matches!(acts.borrow()[..], [ChartAct::Move(at_ms), ChartAct::Live] if at_ms <= newest_ms),
        "the keyboard is the chart's: {:?}",
        acts.borrow()
    );
    let is_red = |pixel: &[u8]| 200 < pixel[0] && pixel[1] < 60 && pixel[2] < 60 && 100 < pixel[3];
    eventually("a red line", || seen(&host).chunks(4).any(is_red)).await;

    // Paper is narrower, and there is no frame in which the picture could follow.
    let plot: HtmlElement =
        host.query_selector(".chart-plot").expect("a query").expect("a plot").unchecked_into();
    let width = || plot.get_bounding_client_rect().width();
    let on_screen = width();
    let print = |event: &str| window().dispatch_event(&web_sys::Event::new(event).expect("an event"));
    print("beforeprint").expect("dispatched");
    host.style().set_property("width", "300px").expect("a style");
    assert_eq!(width(), on_screen);
    assert!(seen(&host).chunks(4).any(is_red), "the whole picture is there");
    print("afterprint").expect("dispatched");
    assert_eq!(width(), on_screen - 100.0);
    host.style().set_property("width", "400px").expect("a style");

    let button: HtmlElement =
        host.query_selector("li:last-child button").expect("a query").expect("a button").unchecked_into();
    let shift = MouseEventInit::new();
    shift.set_shift_key(true);
    shift.set_bubbles(true);
    let click = MouseEvent::new_with_mouse_event_init_dict("click", &shift).expect("an event");
    button.dispatch_event(&click).expect("dispatched");
    let is_off = || button.get_attribute("aria-pressed").as_deref() == Some("false");
    eventually("the line to be hidden", is_off).await;
    eventually("the red line to go", || !seen(&host).chunks(4).any(is_red)).await;

    drop(handle);
    assert_eq!(canvases(&host).len(), 0);
    // The store goes with its owner, and nobody falls over one who still has a handle.
    eventually("the store to go", || store.update(SeriesStore::clear).is_none()).await;
    frames(2).await;
    host.remove();
}

/// Presses a key on the chart.
fn key(host: &HtmlElement, name: &str) {
    let init = KeyboardEventInit::new();
    init.set_key(name);
    init.set_bubbles(true);
    let event = KeyboardEvent::new_with_keyboard_event_init_dict("keydown", &init).expect("an event");
    let plot = host.query_selector(".chart-plot").expect("a query").expect("a plot");
    plot.dispatch_event(&event).expect("dispatched");
}

fn text(host: &HtmlElement, selector: &str) -> Option<String> {
    host.query_selector(selector).ok().flatten()?.text_content()
}

/// Waits for a condition, at most ten seconds.
async fn eventually(what: &str, mut is_met: impl FnMut() -> bool) {
    let deadline_ms = js_sys::Date::now() + 10_000.0;
    while !is_met() {
        assert!(js_sys::Date::now() < deadline_ms, "waited in vain for {what}");
        frames(1).await;
    }
}

async fn frames(n: usize) {
    for _ in 0..n {
        let promise = js_sys::Promise::new(&mut |resolve, _| {
            window().request_animation_frame(&resolve).expect("a frame");
        });
        JsFuture::from(promise).await.expect("a frame");
    }
}
