//! Volg (follow): what is written, as it is written, in sentences (server-sent events, WHATWG HTML section 9.2). That somebody follows is one
//! regel. The only thing on the page that takes a script.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::State,
    http::{Response, StatusCode, header},
    response::IntoResponse,
};
use futures_util::{StreamExt, stream};
use tokio::sync::watch;

use super::{
    kijker::Kijker,
    uitwisselingen::{Rij, zonder_blikken},
    velden::Velden,
};
use crate::{
    domain::Weigering,
    exchange::{
        Exchange,
        toezicht::zoek::{Zoekfilter, Zoekveld},
    },
};

/// Until when it follows.
pub(super) type Stop = watch::Receiver<bool>;

pub(super) async fn show(
    State(exchange): State<Arc<Exchange>>,
    Extension(stop): Extension<Stop>,
    kijker: Kijker,
    velden: Velden,
) -> Response<Body> {
    let begun = async {
        kijker.watches()?;
        velden.known(&[], &[])?;
        exchange.follow(kijker.call.clone(), &kijker.inzage(None), of_partners(), None).await
    };
    let volger = match begun.await {
        Ok(volger) => volger,
        Err(weigering) => return kijker.refused(weigering).await,
    };
    // Something at once, so that the browser knows that it is there.
    let first = stream::once(async { Ok::<Bytes, Infallible>(Bytes::from_static(b": open\n\n")) });
    let events = stream::unfold((exchange, volger, stop), async |(exchange, mut volger, mut stop)| {
        let found = tokio::select! {
            found = exchange.next_regels(&mut volger) => found.ok()?,
            _ = stop.wait_for(|stop| *stop) => return None,
        };
        let (regels, _) = found;
        let rows: Result<Vec<Rij>, Weigering> = regels.iter().map(Rij::new).collect();
        let rows = rows.ok()?;
        let zinnen: Vec<String> = rows.into_iter().map(|rij| format!("{}: {}", rij.wanneer, rij.zin)).collect();
        let event = format!("data: {}\n\n", serde_json::json!(zinnen));
        Some((Ok(Bytes::from(event)), (exchange, volger, stop)))
    });
    let body = Body::from_stream(first.chain(events.boxed()));
    (StatusCode::OK, [(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

/// What partners do, not who looks: whoever follows would follow those who follow.
fn of_partners() -> Zoekfilter {
    Zoekfilter { velden: vec![(Zoekveld::Soort, zonder_blikken())], ..Zoekfilter::default() }
}
