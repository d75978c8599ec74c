//! What a stranger or a partner causes fills no disk: so many lines of one kind in a while, and the rest is counted.
//!
//! A kind is one place in the source, and for what a partner causes that partner: one that is noisy hides nobody else.

use std::{
    collections::HashMap,
    fmt::Debug,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    callsite::Identifier,
    field::{Field, Visit},
    span,
};
use tracing_subscriber::{
    layer::{Context, Filter},
    registry::LookupSpan,
};

/// How long lines of one kind are counted together.
pub const WINDOW: Duration = Duration::from_secs(10);
/// Lines of one kind in a [`WINDOW`].
pub const MOST: u32 = 20;
/// Lines that tell how a call of one partner ended, in a [`WINDOW`]: from these an operator sees whether the service is well.
pub const MOST_CALLS: u32 = 300;

/// Lines of one kind.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Kind {
    callsite: Identifier,
    partner: Option<String>,
}

/// Lines of one kind in one window.
struct Lines {
    began: Instant,
    passed: u32,
    /// Held back, and not told yet.
    more: u64,
    level: Level,
    what: String,
}

/// How many lines of each kind went by.
pub struct Limit {
    lifted: bool,
    kinds: Mutex<HashMap<Kind, Lines>>,
}

impl Limit {
    /// `lifted`: every line goes by.
    pub fn new(lifted: bool) -> Self {
        Self { lifted, kinds: Mutex::default() }
    }

    /// Whether a line still goes by; what it says is asked for the first one that does not.
    fn passes(&self, kind: Kind, most: u32, level: Level, now: Instant, what: impl FnOnce() -> String) -> bool {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Lines { began: now, passed: 0, more: 0, level, what: String::new() };
        let lines = kinds.entry(kind).or_insert_with(fresh);
        if now.saturating_duration_since(lines.began) >= WINDOW {
            (lines.began, lines.passed) = (now, 0);
        }
        if lines.passed < most {
            lines.passed += 1;
            return true;
        }
        if lines.more == 0 {
            lines.what = what();
        }
        lines.more += 1;
        false
    }

    /// Tells of what was held back in the windows that are over.
    pub fn tell(&self, now: Instant) {
        for (kind, lines) in self.over(|lines| now.saturating_duration_since(lines.began) >= WINDOW) {
            tell(&kind, &lines);
        }
    }

    /// Tells of all that was held back.
    pub fn tell_all(&self) {
        for (kind, lines) in self.over(|_| true) {
            tell(&kind, &lines);
        }
    }

    /// Forgets these windows; gives those in which something was held back.
    fn over(&self, over: impl Fn(&Lines) -> bool) -> Vec<(Kind, Lines)> {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        kinds.extract_if(|_, lines| over(lines)).filter(|(_, lines)| lines.more > 0).collect()
    }
}

/// One line for all that was held back, at their level.
fn tell(kind: &Kind, Lines { more, level, what, .. }: &Lines) {
    let (partner, what) = (kind.partner.as_deref(), what.as_str());
    macro_rules! tell {
        ($level:ident) => {
            tracing::$level!(partner, kind = what, more, "and {more} more lines of this kind")
        };
    }
    match *level {
        Level::ERROR => tell!(error),
        Level::WARN => tell!(warn),
        _ => tell!(info),
    }
}

/// Holds back what is too much of one kind.
pub struct Limited(pub Arc<Limit>);

/// The partner for which a span works.
struct Partner(String);

impl<S: Subscriber + for<'s> LookupSpan<'s>> Filter<S> for Limited {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn event_enabled(&self, event: &Event<'_>, context: &Context<'_, S>) -> bool {
        let metadata = event.metadata();
        // Who asked for debug wants all of it; and what tells of lines held back is not held back itself.
        if self.0.lifted || *metadata.level() > Level::INFO || metadata.target() == module_path!() {
            return true;
        }
        let own = text(|visit| event.record(visit), "partner");
        let of_span = || {
            let mut spans = context.event_scope(event)?;
            spans.find_map(|span| span.extensions().get::<Partner>().map(|partner| partner.0.clone()))
        };
        let kind = Kind { callsite: metadata.callsite(), partner: own.or_else(of_span) };
        let most = if metadata.fields().field("outcome").is_some() { MOST_CALLS } else { MOST };
        let what = || text(|visit| event.record(visit), "message").unwrap_or_default();
        self.0.passes(kind, most, *metadata.level(), Instant::now(), what)
    }

    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        let partner = text(|visit| attributes.record(visit), "partner");
        if let (Some(partner), Some(span)) = (partner, context.span(id)) {
            span.extensions_mut().insert(Partner(partner));
        }
    }
}

/// The value of one field, as text.
fn text(record: impl FnOnce(&mut dyn Visit), field: &'static str) -> Option<String> {
    struct Wanted(&'static str, Option<String>);
    impl Visit for Wanted {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            if field.name() == self.0 {
                self.1 = Some(format!("{value:?}"));
            }
        }

        fn record_str(&mut self, field: &Field, value: &str) {
            if field.name() == self.0 {
                self.1 = Some(value.to_owned());
            }
        }
    }
    let mut wanted = Wanted(field, None);
    record(&mut wanted);
    wanted.1
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::{Layer, layer::SubscriberExt, registry};

    use super::*;

    /// The partner and the text of each line that went by.
    #[derive(Clone, Default)]
    struct Seen(Arc<Mutex<Vec<String>>>);

    impl<S: Subscriber> Layer<S> for Seen {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let of = |field| text(|visit| event.record(visit), field).unwrap_or_default();
            self.0.lock().unwrap().push(format!("{}: {}", of("partner"), of("message")));
        }
    }

    /// What goes by of a flood, and then of what the limit tells.
    fn seen(lifted: bool, flood: impl FnOnce()) -> (Vec<String>, Vec<String>) {
        let (seen, limit) = (Seen::default(), Arc::new(Limit::new(lifted)));
        let subscriber = registry().with(seen.clone().with_filter(Limited(Arc::clone(&limit))));
        tracing::subscriber::with_default(subscriber, || {
            flood();
            let passed = std::mem::take(&mut *seen.0.lock().unwrap());
            limit.tell(Instant::now());
            assert_eq!(*seen.0.lock().unwrap(), Vec::<String>::new(), "told before the window was over");
            limit.tell(Instant::now() + WINDOW);
            limit.tell(Instant::now() + WINDOW);
            (passed, std::mem::take(&mut *seen.0.lock().unwrap()))
        })
    }

    #[test]
    fn a_flood_of_one_kind_is_cut_and_counted_and_hides_no_other_partner() {
        let too_many = |partner: &str| tracing::warn!(partner, "too many connections");
        let (passed, told) = seen(false, || {
            (0..1000).for_each(|_| too_many("zsm"));
            too_many("om");
            tracing::warn!("something else");
            (0..1000).for_each(|_| tracing::debug!("in detail"));
        });
        assert_eq!(passed.iter().filter(|line| *line == "zsm: too many connections").count(), 20);
        assert!(passed.contains(&"om: too many connections".to_owned()), "{passed:?}");
        assert!(passed.contains(&": something else".to_owned()), "{passed:?}");
        assert_eq!(passed.iter().filter(|line| line.contains("in detail")).count(), 1000);
        assert_eq!(told, ["zsm: and 980 more lines of this kind"]);
    }

    #[test]
    fn calls_have_more_room_and_are_counted_by_the_partner_of_their_span() {
        let (passed, told) = seen(false, || {
            for partner in ["zsm", "om"] {
                let _in_call = tracing::info_span!("call", partner).entered();
                (0..350).for_each(|_| tracing::info!(outcome = "ok", "answered"));
            }
        });
        assert_eq!(passed.len(), 600);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told.contains(&"zsm: and 50 more lines of this kind".to_owned()), "{told:?}");
    }

    #[test]
    fn who_asks_for_debug_gets_every_line() {
        let (passed, told) = seen(true, || (0..1000).for_each(|_| tracing::warn!("refused")));
        assert_eq!((passed.len(), told.len()), (1000, 0));
    }
}
