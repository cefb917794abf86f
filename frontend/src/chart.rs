//! The live chart: samples in, a smoothly scrolling picture out.
//!
//! Everything that can be told in numbers is pure and tested natively ([`scale`], [`ticks`], [`ring`], [`pyramid`],
//! [`series`], [`decimate`], [`axis_range`], [`clock`], [`palette`], [`store`]); only the last three floors know a
//! browser. It deliberately knows neither the feed nor the page around it.

pub mod axis_range;
pub mod backend;
pub mod beat;
pub mod clock;
pub mod commands;
pub mod css_colors;
pub mod decimate;
pub mod draw;
pub mod export;
pub mod format;
pub mod kept_columns;
pub mod layout;
pub mod legend;
pub mod observers;
pub mod overlay;
pub mod pacer;
pub mod paint;
pub mod palette;
pub mod paper;
pub mod plot;
pub mod pointer;
pub mod pyramid;
pub mod readout;
pub mod ring;
pub mod scale;
pub mod series;
pub mod spark;
pub mod store;
pub mod store_handle;
pub mod surface;
pub mod ticks;
pub mod tiles;
pub mod time_ticks;
pub mod timeline;
pub mod tooltip;
pub mod view;
