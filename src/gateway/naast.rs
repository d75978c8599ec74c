//! Naast (beside): keeps `grpc.health.v1` of each port at how the gateway stands.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, time::timeout};

use super::aanloop::Einde;
use crate::{
    exchange::Exchange,
    grpc::naast::Naast,
    jobs::{Job, Next, Trouble},
};

/// How long the database may take to answer.
const DATABASE: Duration = Duration::from_secs(2);

/// Tells callers over gRPC whether this gateway serves.
pub(super) struct TellHealth {
    pub(super) exchange: Arc<Exchange>,
    pub(super) naast: Vec<Naast>,
    pub(super) einde: watch::Receiver<Einde>,
}

impl Job for TellHealth {
    const NAME: &'static str = "of de poort dient";
    const TROUBLE: &'static str = "callers could not be told whether this gateway serves";
    const EVERY: Duration = Duration::from_secs(1);

    async fn run(&mut self) -> Result<Next, Trouble> {
        let Self { exchange, naast, einde } = self;
        let is_well =
            *einde.borrow() == Einde::Niet && exchange.klok.trust().is_ok() && exchange.onleesbaar().is_none();
        let serves = is_well && matches!(timeout(DATABASE, exchange.store.is_reachable()).await, Ok(Ok(())));
        for of_port in naast {
            of_port.tell(serves).await;
        }
        Ok(Next::InTime)
    }
}
