//! A call of somebody who looks: who that is, what is asked, and the answer. A refusal is logged before it is answered.

use tonic::{Response, Status};

use super::{status::status, zoekfilter::parse_inzage};
use crate::{
    domain::Weigering,
    exchange::{About, Call, Exchange, toezicht::Inzage},
    proto,
};

/// Answers with what was asked, if that is allowed and whoever asks says who that is.
pub(super) async fn answer<T, R>(
    exchange: &Exchange,
    call: &Call,
    inzage: Option<&proto::Inzage>,
    asked: impl AsyncFnOnce(Inzage) -> Result<T, Weigering>,
    response: impl FnOnce(T) -> R,
) -> Result<Response<R>, Status> {
    let who = parse_inzage(inzage);
    let medewerker = who.as_ref().ok().map(|who| who.medewerker.clone());
    let outcome = match who {
        Ok(who) => asked(who).await,
        Err(weigering) => Err(weigering),
    };
    match outcome {
        Ok(answer) => Ok(Response::new(response(answer))),
        Err(weigering) => {
            let about = About { medewerker, ..About::default() };
            Err(status(&exchange.refuse(call, about, weigering).await))
        }
    }
}
