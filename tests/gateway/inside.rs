//! The verbs without the wire: an `Exchange` that a test calls itself.

use std::sync::Arc;

use ketenpoort::{
    clock::{SystemClock, SystemRng},
    config::Config,
    documenten::Omgeving,
    domain::{Aangemeld, Certificaat, Clock, Identiteit, Klok, Vingerafdruk, houdbaarheid::amsterdam_date},
    exchange::{
        Bounds, Call, Exchange, InForce, PassedOver, Weigeringen, beheer::first_change, toezicht::nareken::Uitkomst,
    },
    grpc::answers,
    jobs::Tasks,
    logboek::{LogboekNaam, Signer},
    sleutels::{KeyDirectory, KeyStore},
    store::{Database, Event, SharedDayKeys, Store, StoreError, verify},
};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::harness::data_dir;

pub fn this_year() -> i16 {
    amsterdam_date(SystemClock.now()).year()
}

/// With nothing remembered.
fn klok(clock: Arc<dyn Clock>) -> Arc<Klok> {
    Arc::new(Klok::start(clock, None, None))
}

/// A store with the example in force, for as many exchanges as a test wants.
pub struct Inside {
    pub dir: TempDir,
    config: Config,
    store: Store,
    signer: Signer,
    writer: JoinHandle<Result<(), StoreError>>,
}

impl Inside {
    pub async fn open() -> Self {
        Self::open_in_year(this_year()).await
    }

    /// Its logboek is the one of this year.
    pub async fn open_in_year(year: i16) -> Self {
        let (dir, config) = data_dir();
        let map = KeyDirectory::open(&config.sleutels, true, &SystemRng).unwrap();
        let naam = LogboekNaam::new(&config.logboek).of_year(year);
        let signer = || Signer::from_seed(&naam, map.logboek_seed()).unwrap();
        let database = Database::open(&config.opslag).await.unwrap();
        let started = database
            .start(&naam, &map.mark(), signer(), map.openingen(Arc::new(SystemRng)), klok(Arc::new(SystemClock)), None)
            .await;
        let (store, writer) = started.unwrap();
        let first = first_change(&config.documents(false, jiff::Timestamp::UNIX_EPOCH).unwrap());
        store.writer.write(|reply| Event::Change(Box::new(first), reply)).await.unwrap();
        Self { signer: signer(), dir, config, store, writer }
    }

    pub async fn exchange(&self) -> Arc<Exchange> {
        self.exchange_at(Arc::new(SystemClock)).await
    }

    /// With a clock that the writer does not share: as a process that was stopped in between.
    pub async fn exchange_at(&self, clock: Arc<dyn Clock>) -> Arc<Exchange> {
        self.exchange_with(clock, self.config.omgeving(false)).await
    }

    /// Of a gateway whose configuration has one CA more.
    pub async fn exchange_that_knows(&self, ca: &str) -> Arc<Exchange> {
        let mut omgeving = self.config.omgeving(false);
        omgeving.cas.push(ca.to_owned());
        self.exchange_with(Arc::new(SystemClock), omgeving).await
    }

    async fn exchange_with(&self, clock: Arc<dyn Clock>, omgeving: Omgeving) -> Arc<Exchange> {
        let map = KeyDirectory::open(&self.config.sleutels, true, &SystemRng).unwrap();
        let place = Box::new(SharedDayKeys::new(self.store.clone()));
        let exchange = Exchange {
            store: self.store.clone(),
            keys: Arc::new(KeyStore::new(map.sealing(), place, Arc::new(SystemRng))),
            in_force: InForce::new(omgeving),
            klok: klok(clock),
            rng: Arc::new(SystemRng),
            bounds: Bounds { lease_seconds: 60, postvak: 10_000, vervalwaarschuwing_dagen: 14 },
            logboek: LogboekNaam::new(&self.config.logboek),
            vkey: self.signer.vkey(),
            zoeken: None,
            nagerekend: Uitkomst::default(),
            poort: Identiteit::of_gateway("00000099000000501000".parse().unwrap()),
            encode: answers::van_de_poort,
            weigeringen: Weigeringen::default(),
            passed: PassedOver::default(),
            tasks: Tasks::default(),
            metingen: Arc::default(),
            exports: Arc::new(tokio::sync::Semaphore::new(1)),
            opens: tokio::sync::Mutex::default(),
        };
        assert!(exchange.refresh().await.unwrap());
        Arc::new(exchange)
    }

    /// Every exchange is gone: the store closes, and the logboek is whole.
    pub async fn end(self) {
        let Self { store, writer, signer, dir, .. } = self;
        verify::verify(&store.read, &signer.vkey(), &[], None, &|_, _| {}).await.unwrap();
        store.read.close().await;
        drop(store);
        writer.await.unwrap().unwrap();
        drop(dir);
    }
}

/// A call of whoever has this name in its certificate.
pub fn call(exchange: &Exchange, san: &str) -> Call {
    let van_kracht = exchange.van_kracht();
    let of_san = |toegang: &&ketenpoort::domain::Toegang| toegang.san.as_deref() == Some(san);
    let toegang = van_kracht.deelnemers().toegangen.iter().find(of_san).unwrap().clone();
    let namen = vec![san.to_owned()];
    let certificaat = Certificaat {
        ca: toegang.ca.clone(),
        oin: toegang.identiteit.oin.clone(),
        namen,
        vingerafdruk: Vingerafdruk::new(&[0; 32]),
        der: Arc::new([]),
        tot: jiff::Timestamp::MAX,
    };
    Call { aangemeld: Aangemeld { certificaat, toegang }, trace: exchange.new_trace(), deadline: None }
}
