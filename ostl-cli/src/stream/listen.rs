//! Figures for Prometheus: a page that is made anew now and then, and served by threads that the learning never waits for.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use oxhttp::Server;
use oxhttp::model::header::CONTENT_TYPE;
use oxhttp::model::{Body, HeaderValue, Method, Request, Response, StatusCode};
use prometheus_client::encoding::prometheus_text;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::figures::{self, Figure};
use super::session::Memory;
use crate::failure::UsageError;
use crate::output::tell;

/// The page is no older than this while rows come.
const OFTEN: Duration = Duration::from_millis(500);
/// A client that sends nothing for so long is left.
const PATIENCE: Duration = Duration::from_secs(10);
/// Clients at a time.
const CLIENTS: usize = 16;
/// The views of a figure.
const VIEWS: [&str; 3] = ["all", "window", "fading"];

type OfView = Family<Vec<(String, String)>, Gauge<f64, AtomicU64>>;

/// What is served.
pub(super) struct Board {
    page: Arc<Mutex<Arc<Page>>>,
    shown: Option<(Instant, u64)>,
}

/// Numbers at some row.
#[derive(Debug, Default)]
struct Page {
    /// Names, what they are, and how many.
    counts: Vec<(&'static str, &'static str, u64)>,
    figures: Vec<(String, Figure)>,
}

impl Board {
    /// Serves nothing yet, at this address.
    pub(super) fn open(address: &str, anywhere: bool) -> Result<Self> {
        let refuse = |problem: String| UsageError::Other(format!("--listen {address}: {problem}"));
        let places = places(address).map_err(|problem| refuse(format!("{problem}; write it like 127.0.0.1:9464")))?;
        if let Some(open) = places.iter().find(|place| !place.ip().is_loopback() && !anywhere) {
            let problem =
                format!("{} can be reached from other machines: give --listen-anywhere if they may read", open.ip());
            return Err(refuse(problem).into());
        }
        let page: Arc<Mutex<Arc<Page>>> = Arc::default();
        let shown = page.clone();
        let answer = move |request: &mut Request<Body>| {
            let page = shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
            respond(request, &page)
        };
        let server = Server::new(answer).with_global_timeout(PATIENCE).with_max_concurrent_connections(CLIENTS);
        let server = places.iter().fold(server, |server, &place| server.bind(place));
        // Its threads end with the program.
        server.spawn().map_err(|error| refuse(error.to_string()))?;
        Ok(Self { page, shown: None })
    }

    /// Shows how it is going, if that was not shown just now.
    pub(super) fn show(&mut self, memory: &Memory) {
        let read = memory.counts.read;
        let is_news = |(at, rows): (Instant, u64)| rows != read && at.elapsed() >= OFTEN;
        if !self.shown.is_none_or(is_news) {
            return;
        }
        self.shown = Some((Instant::now(), read));
        let page = Arc::new(Page::of(memory));
        // Only pointers are moved under the lock.
        *self.page.lock().unwrap_or_else(PoisonError::into_inner) = page;
    }
}

impl Page {
    fn of(memory: &Memory) -> Self {
        let (counts, turns) = (&memory.counts, &memory.turns);
        let streams = turns.slots.as_ref().map_or(1, |slots| slots.len() as u64);
        let waiting = turns.all().map(|(_, past)| past.waiting.len() as u64).sum();
        Self {
            counts: vec![
                ("rows", "Rows read, broken ones too", counts.read),
                ("learned", "Rows learned from", counts.learned),
                ("broken", "Rows that could not be used", counts.broken),
                ("refused", "Rows not learned from since a number broke", counts.refused),
                ("drifts", "Times that the errors became larger", memory.scores.drifts()),
                ("alarms", "Alarms raised", memory.scores.alarms().unwrap_or(0)),
                ("exploded", "Times that traces had exploded", counts.exploded),
                ("restarts", "Times that the network began anew", counts.restarts),
                ("given_up", "Rows given up before their label came", counts.given_up),
                ("streams_given_up", "Streams given up for others", turns.given_up()),
                (WAITING, "Rows that wait for their label", waiting),
                (STREAMS, "Streams side by side", streams),
            ],
            figures: figures::by_target(memory),
        }
    }

    /// In Prometheus's text format.
    fn text(&self) -> Result<String, std::fmt::Error> {
        let mut registry = Registry::with_prefix("ostl_stream");
        for &(name, help, count) in &self.counts {
            if [WAITING, STREAMS].contains(&name) {
                let gauge = Gauge::<f64, AtomicU64>::default();
                gauge.set(count as f64);
                registry.register(name, help, gauge);
            } else {
                registry.register(name, help, ConstCounter::new(count));
            }
        }
        let mut families: Vec<(&str, OfView)> = Vec::new();
        for (target, figure) in &self.figures {
            let at = families.iter().position(|(name, _)| *name == figure.name).unwrap_or_else(|| {
                families.push((&figure.name, OfView::default()));
                families.len() - 1
            });
            for (view, value) in VIEWS.iter().zip(figure.views) {
                if let Some(value) = value {
                    let labels = vec![("target".to_owned(), target.clone()), ("view".to_owned(), (*view).to_owned())];
                    families[at].1.get_or_create(&labels).set(value);
                }
            }
        }
        for (name, family) in families {
            registry.register(name, "Over all rows, the last ones, and fading", family);
        }
        let mut text = String::new();
        prometheus_text::encode(&mut text, &registry)?;
        Ok(text)
    }
}

/// What is counted now, and may become less.
const WAITING: &str = "waiting";
const STREAMS: &str = "streams";

fn respond(request: &Request<Body>, page: &Page) -> Response<Body> {
    let plain = |status: StatusCode, text: String| {
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(prometheus_text::CONTENT_TYPE));
        response
    };
    if request.uri().path() != "/metrics" {
        return plain(StatusCode::NOT_FOUND, "figures are at /metrics\n".to_owned());
    }
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "figures are only read: GET\n".to_owned());
    }
    match page.text() {
        Ok(text) => plain(StatusCode::OK, text),
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}

/// All places that an address stands for; a number alone is a port of this machine.
fn places(address: &str) -> Result<Vec<SocketAddr>, String> {
    if let Ok(port) = address.trim_start_matches(':').parse::<u16>() {
        return Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))]);
    }
    let places: Vec<SocketAddr> = address.to_socket_addrs().map_err(|error| error.to_string())?.collect();
    if places.is_empty() { Err("no such address".to_owned()) } else { Ok(places) }
}

/// Says where figures are.
pub(super) fn announce(address: &str) {
    if let Ok(places) = places(address) {
        places.iter().take(1).for_each(|place| tell(&format!("figures: http://{place}/metrics")));
    }
}
