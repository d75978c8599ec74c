//! `ToezichtService`: parse, call the verb, answer. A refusal is logged before it is answered.

use std::sync::Arc;

use jiff::civil::Date;
use prost::Message;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use tracing::{Instrument, Span};

use super::{
    content::Checker,
    convert::{self, bericht_id},
    exchange_service::call,
    rapport,
    status::status,
};
use crate::{
    domain::{BerichtId, Berichtsoort, Vernietiging, Weigering},
    exchange::{
        About, Call, Exchange, RedenIntrekking,
        toezicht::{
            Getoond, Inzage,
            bewijs::{Gegroeid, Stand},
            volg::Volger,
            zoek::{Gevonden, Zoekfilter, Zoekopdracht, Zoekveld},
        },
    },
    logboek::Soort,
    proto::{self, toezicht_service_server::ToezichtService},
};

/// The service of one exchange.
#[derive(Clone)]
pub struct ToezichtApi {
    exchange: Arc<Exchange>,
    stop: watch::Receiver<bool>,
}

impl ToezichtApi {
    /// Ends its streams when `stop` turns true.
    #[must_use]
    pub fn new(exchange: Arc<Exchange>, stop: watch::Receiver<bool>) -> Self {
        Self { exchange, stop }
    }

    async fn answer<T>(
        &self,
        call: &Call,
        inzage: Option<&proto::Inzage>,
        outcome: Result<T, Weigering>,
    ) -> Result<Response<T>, Status> {
        match outcome {
            Ok(answer) => Ok(Response::new(answer)),
            Err(weigering) => {
                let medewerker = inzage.and_then(|inzage| parse_inzage(Some(inzage)).ok()).map(|of| of.medewerker);
                let about = About { medewerker, ..About::default() };
                Err(status(&self.exchange.refuse(call, about, weigering).await))
            }
        }
    }
}

#[tonic::async_trait]
impl ToezichtService for ToezichtApi {
    type FollowLogregelsStream = ReceiverStream<Result<proto::FollowLogregelsResponse, Status>>;

    async fn get_checkpoint(
        &self,
        request: Request<proto::GetCheckpointRequest>,
    ) -> Result<Response<proto::GetCheckpointResponse>, Status> {
        let (call, proto::GetCheckpointRequest { inzage }) = (call(&request), request.into_inner());
        let outcome = match parse_inzage(inzage.as_ref()) {
            Ok(of) => self.exchange.newest_checkpoint(&call, &of).await,
            Err(weigering) => Err(weigering),
        };
        let outcome = outcome.map(|Stand { checkpoint, vkey, eerste }| proto::GetCheckpointResponse {
            checkpoint,
            vkey,
            logboek_eerste: eerste,
        });
        self.answer(&call, inzage.as_ref(), outcome).await
    }

    async fn get_proof(
        &self,
        request: Request<proto::GetProofRequest>,
    ) -> Result<Response<proto::GetProofResponse>, Status> {
        let (call, proto::GetProofRequest { inzage, log_index }) = (call(&request), request.into_inner());
        let outcome = match parse_inzage(inzage.as_ref()) {
            Ok(of) => self.exchange.prove_regel(&call, &of, log_index).await,
            Err(weigering) => Err(weigering),
        };
        let outcome = outcome.map(|bewijs| proto::GetProofResponse { bewijs: bewijs.to_string() });
        self.answer(&call, inzage.as_ref(), outcome).await
    }

    async fn get_consistency_proof(
        &self,
        request: Request<proto::GetConsistencyProofRequest>,
    ) -> Result<Response<proto::GetConsistencyProofResponse>, Status> {
        let (call, proto::GetConsistencyProofRequest { inzage, checkpoint }) = (call(&request), request.into_inner());
        let outcome = match parse_inzage(inzage.as_ref()) {
            Ok(of) => self.exchange.prove_growth(&call, &of, &checkpoint).await,
            Err(weigering) => Err(weigering),
        };
        let outcome = outcome.map(|Gegroeid { checkpoint, hashes }| proto::GetConsistencyProofResponse {
            checkpoint,
            hashes: hashes.iter().map(|hash| hash.to_vec()).collect(),
        });
        self.answer(&call, inzage.as_ref(), outcome).await
    }

    async fn search_logregels(
        &self,
        request: Request<proto::SearchLogregelsRequest>,
    ) -> Result<Response<proto::SearchLogregelsResponse>, Status> {
        let (call, request) = (call(&request), request.into_inner());
        let parsed = parse_inzage(request.inzage.as_ref()).and_then(|inzage| Ok((opdracht(&request)?, inzage)));
        let outcome = match parsed {
            Ok((opdracht, inzage)) => self.exchange.search(&call, &inzage, &opdracht).await,
            Err(weigering) => Err(weigering),
        };
        let outcome = outcome.map(|Gevonden { regels, volgende, bijgewerkt_tot, aantal }| {
            let logregels = regels.into_iter().map(getoond).collect();
            let volgende = volgende.unwrap_or_default();
            proto::SearchLogregelsResponse { logregels, volgende, bijgewerkt_tot, aantal }
        });
        self.answer(&call, request.inzage.as_ref(), outcome).await
    }

    async fn follow_logregels(
        &self,
        request: Request<proto::FollowLogregelsRequest>,
    ) -> Result<Response<Self::FollowLogregelsStream>, Status> {
        let (call, proto::FollowLogregelsRequest { inzage, filter, vanaf }) = (call(&request), request.into_inner());
        let parsed = parse_inzage(inzage.as_ref()).and_then(|of| Ok((followed(filter, &of)?, of)));
        let outcome = match parsed {
            Ok((filter, of)) => self.exchange.follow(call.clone(), &of, filter, vanaf).await,
            Err(weigering) => Err(weigering),
        };
        let (out, answers) = mpsc::channel(4);
        let outcome = outcome.map(|volger| {
            let push = push(Arc::clone(&self.exchange), volger, out, self.stop.clone());
            self.exchange.tasks.spawn("a stream that follows the logboek", push.instrument(Span::current()));
            ReceiverStream::new(answers)
        });
        self.answer(&call, inzage.as_ref(), outcome).await
    }

    async fn get_leven(
        &self,
        request: Request<proto::GetLevenRequest>,
    ) -> Result<Response<proto::GetLevenResponse>, Status> {
        let (call, proto::GetLevenRequest { inzage, bericht }) = (call(&request), request.into_inner());
        let parsed = parse_inzage(inzage.as_ref()).and_then(|of| Ok((bericht_id(&bericht)?, of)));
        let outcome = match parsed {
            Ok((bericht, of)) => self.exchange.leven(&call, &of, bericht).await,
            Err(weigering) => Err(weigering),
        };
        let outcome = outcome.map(|(regels, afgekapt)| proto::GetLevenResponse {
            logregels: regels.into_iter().map(getoond).collect(),
            afgekapt,
        });
        self.answer(&call, inzage.as_ref(), outcome).await
    }

    async fn get_rapport(
        &self,
        request: Request<proto::GetRapportRequest>,
    ) -> Result<Response<proto::GetRapportResponse>, Status> {
        let (call, proto::GetRapportRequest { inzage, van, tot_en_met }) = (call(&request), request.into_inner());
        let parsed = parse_inzage(inzage.as_ref()).and_then(|of| Ok((rapport::periode(&van, &tot_en_met)?, of)));
        let outcome = match parsed {
            Ok((periode, of)) => self.exchange.rapport(&call, &of, periode).await,
            Err(weigering) => Err(weigering),
        };
        let outcome = outcome.and_then(|made| Ok(rapport::response(made, self.exchange.newest_vkey()?)));
        self.answer(&call, inzage.as_ref(), outcome).await
    }
}

/// A regel as it is shown.
#[must_use]
pub fn getoond(of: Getoond) -> proto::GevondenLogregel {
    let Getoond { log_index, leaf, tijd_lokaal, afzender, ontvanger, actor } = of;
    let logregel = String::from_utf8_lossy(&leaf).into_owned();
    proto::GevondenLogregel { log_index, logregel, tijd_lokaal, afzender, ontvanger, actor }
}

/// Hands over what is written, until the follower leaves or the gateway stops.
async fn push(
    exchange: Arc<Exchange>,
    mut volger: Volger,
    out: mpsc::Sender<Result<proto::FollowLogregelsResponse, Status>>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let found = tokio::select! {
            found = exchange.next_regels(&mut volger) => found,
            () = out.closed() => return,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let ends = found.is_err();
        let answer = found.map_err(|weigering| status(&weigering)).map(|(regels, bijgewerkt_tot)| {
            let logregels = regels.into_iter().map(getoond).collect();
            proto::FollowLogregelsResponse { logregels, bijgewerkt_tot }
        });
        if out.send(answer).await.is_err() || ends {
            return;
        }
    }
}

/// What is followed: a filter without a period.
fn followed(filter: Option<proto::Zoekfilter>, inzage: &Inzage) -> Result<Zoekfilter, Weigering> {
    let mut checker = Checker::default();
    let filter = filter.unwrap_or_default();
    if !filter.van.is_empty() || !filter.tot_en_met.is_empty() {
        checker.wrong("filter.van", "geen periode: volgen gaat over wat nog geschreven wordt");
    }
    reason(&filter, inzage.reden.as_deref(), &mut checker);
    let filter = zoekfilter(filter, &mut checker);
    if checker.0.is_empty() { Ok(filter) } else { Err(Weigering::OngeldigVeld(checker.0)) }
}

/// Who searches for a person or an employee says why.
fn reason(filter: &proto::Zoekfilter, reden: Option<&str>, checker: &mut Checker) {
    let takes_reason = filter.betrokkene.is_some() || !filter.medewerker.is_empty();
    if takes_reason && reden.is_none_or(|reden| reden.trim().is_empty()) {
        checker.wrong("inzage.reden", "waarom u naar deze persoon zoekt");
    }
}

/// Logregels in a page, at most, and where nothing is asked.
const MOST_IN_PAGE: u32 = 500;
const IN_PAGE: u32 = 100;
/// Values of one field, at most.
const MOST_VALUES: usize = 100;
/// Days that a search goes over, at most.
const MOST_DAYS: i32 = 3660;

/// What is searched for, each wrong field named at once.
fn opdracht(request: &proto::SearchLogregelsRequest) -> Result<Zoekopdracht, Weigering> {
    let mut checker = Checker::default();
    let filter = request.filter.clone().unwrap_or_default();
    let gevraagd = filter.encode_to_vec();
    if request.pagina_grootte > MOST_IN_PAGE {
        checker.wrong("pagina_grootte", format!("hoogstens {MOST_IN_PAGE}"));
    }
    reason(&filter, request.inzage.as_ref().map(|inzage| inzage.reden.as_str()), &mut checker);
    let filter = zoekfilter(filter, &mut checker);
    if !checker.0.is_empty() {
        return Err(Weigering::OngeldigVeld(checker.0));
    }
    Ok(Zoekopdracht {
        filter,
        gevraagd,
        grootte: usize::try_from(if request.pagina_grootte == 0 { IN_PAGE } else { request.pagina_grootte })
            .unwrap_or(usize::MAX),
        pagina: Some(request.pagina.clone()).filter(|pagina| !pagina.is_empty()),
        nieuwste_eerst: request.nieuwste_eerst,
    })
}

/// What is searched for, checked.
pub fn zoekfilter(filter: proto::Zoekfilter, checker: &mut Checker) -> Zoekfilter {
    let (van, tot_en_met) = days(checker, ("filter.van", &filter.van), ("filter.tot_en_met", &filter.tot_en_met));
    let (houdbaar_van, houdbaar_tot_en_met) = days(
        checker,
        ("filter.houdbaar_van", &filter.houdbaar_van),
        ("filter.houdbaar_tot_en_met", &filter.houdbaar_tot_en_met),
    );
    let fields = [
        (Zoekveld::Afzender, "afzender", filter.afzender),
        (Zoekveld::Ontvanger, "ontvanger", filter.ontvanger),
        (Zoekveld::Loket, "loket", filter.loket),
        (Zoekveld::Soort, "soort", filter.soort),
        (Zoekveld::Berichtsoort, "berichtsoort", filter.berichtsoort),
        (Zoekveld::Grondslag, "grondslag", filter.grondslag),
        (Zoekveld::Regel, "regel", filter.regel),
        (Zoekveld::Weigering, "weigering", filter.weigering),
        (Zoekveld::Uitkomst, "uitkomst", filter.uitkomst),
        (Zoekveld::Bericht, "bericht", filter.bericht),
        (Zoekveld::Gesprek, "gesprek", filter.gesprek),
        (Zoekveld::Rol, "rol", filter.rol),
    ];
    let mut velden = Vec::new();
    for (veld, name, values) in fields {
        if !values.is_empty() {
            values_of(checker, name, &values);
            velden.push((veld, values.iter().map(|value| known(checker, veld, name, value)).collect()));
        }
    }
    values_of(checker, "partner", &filter.partner);
    values_of(checker, "convenant", &filter.convenant);
    let partner = filter.partner.iter().filter_map(|naam| {
        let parsed = naam.parse().ok();
        if parsed.is_none() {
            checker.wrong("filter.partner", "namen van partners: kleine letters, cijfers en streepjes");
        }
        parsed
    });
    let partner = partner.collect();
    if !filter.medewerker.is_empty() {
        checker.text("filter.medewerker", &filter.medewerker, 1..=64);
    }
    Zoekfilter {
        van,
        tot_en_met,
        partner,
        convenant: filter.convenant,
        velden,
        houdbaar_van,
        houdbaar_tot_en_met,
        buiten_kantooruren: filter.buiten_kantooruren,
        medewerker: Some(filter.medewerker).filter(|medewerker| !medewerker.is_empty()),
        betrokkene: filter.betrokkene.as_ref().map(|persoon| convert::zoekpersoon(persoon, checker)),
    }
}

/// A value as it stands in a logregel. One that can stand in none is told: nothing found must not be a typing error.
fn known(checker: &mut Checker, veld: Zoekveld, name: &str, value: &str) -> String {
    let (right, asked) = match veld {
        Zoekveld::Soort => {
            let right = Soort::ALL.iter().any(|soort| soort.as_str() == value);
            (right.then(|| value.to_owned()), "een soort, zoals geweigerd")
        }
        Zoekveld::Berichtsoort => {
            (value.parse::<Berichtsoort>().ok().map(|soort| soort.to_string()), "een berichtsoort, zoals scenario")
        }
        Zoekveld::Rol => (ROLLEN.contains(&value).then(|| value.to_owned()), "partner, fg, auditor, beheer of poort"),
        Zoekveld::Bericht | Zoekveld::Gesprek => {
            (value.parse::<BerichtId>().ok().map(|id| id.to_string()), "de id van een bericht")
        }
        Zoekveld::Loket => {
            let right = value.split_once('/').is_some_and(|(partner, loket)| !partner.is_empty() && !loket.is_empty());
            (right.then(|| value.to_owned()), "een adres, zoals zsm/jeugd")
        }
        Zoekveld::Uitkomst => {
            let right = ["gevonden", "niet_gevonden"].contains(&value);
            (right.then(|| value.to_owned()), "gevonden of niet_gevonden")
        }
        Zoekveld::Weigering => {
            let right = codes().contains(&value);
            (right.then(|| value.to_owned()), "codes van weigeringen, zoals geen_regel")
        }
        // What convenanten call them is open, and a text of long ago may have called them otherwise.
        Zoekveld::Afzender | Zoekveld::Ontvanger | Zoekveld::Grondslag | Zoekveld::Regel => {
            (Some(value.to_owned()), "")
        }
    };
    right.unwrap_or_else(|| {
        checker.wrong(&format!("filter.{name}"), asked);
        String::new()
    })
}

/// Every role that can stand in a logregel.
const ROLLEN: [&str; 6] = ["partner", "fg", "auditor", "beheer", "tekent", "poort"];

/// Every code that can stand under `weigering`.
#[must_use]
pub fn codes() -> Vec<&'static str> {
    let kept = Vernietiging::ALL.into_iter().filter(|uitkomst| *uitkomst != Vernietiging::Vernietigd);
    let codes = Weigering::TABLE.iter().map(|row| row.code).chain(kept.map(Vernietiging::as_str));
    codes.chain([RedenIntrekking::VerkeerdGeadresseerd.as_str()]).collect()
}

/// The values of a field: few and short.
fn values_of(checker: &mut Checker, name: &str, values: &[String]) {
    let veld = format!("filter.{name}");
    checker.count(&veld, values.len(), 0..=MOST_VALUES);
    for value in values.iter().take(MOST_VALUES) {
        checker.text(&veld, value, 1..=200);
    }
}

/// Two days, in order, and not too far apart.
pub(super) fn days(checker: &mut Checker, van: (&str, &str), tot_en_met: (&str, &str)) -> (Option<Date>, Option<Date>) {
    let mut day = |(veld, text): (&str, &str)| if text.is_empty() { None } else { checker.date(veld, text) };
    let (from, to) = (day(van), day(tot_en_met));
    if let Some((from, to)) = from.zip(to) {
        if to < from {
            checker.wrong(tot_en_met.0, format!("een dag die niet voor {} ligt", van.0));
        } else if (to - from).get_days() > MOST_DAYS {
            checker.wrong(tot_en_met.0, "een dag die hoogstens 10 jaar later ligt");
        }
    }
    (from, to)
}

/// Checks who looks, and why.
pub fn checked_inzage(checker: &mut Checker, medewerker: &str, reden: Option<&String>) {
    checker.text("inzage.medewerker", medewerker, 1..=64);
    if medewerker.contains(['\n', '\t']) {
        checker.wrong("inzage.medewerker", "een enkele regel zonder tabs");
    }
    if let Some(reden) = reden {
        checker.text("inzage.reden", reden, 1..=500);
    }
}

/// Who looks, and why.
fn parse_inzage(inzage: Option<&proto::Inzage>) -> Result<Inzage, Weigering> {
    let mut checker = Checker::default();
    let proto::Inzage { medewerker, reden } = inzage.cloned().unwrap_or_default();
    checked_inzage(&mut checker, &medewerker, Some(&reden).filter(|reden| !reden.is_empty()));
    if !checker.0.is_empty() {
        return Err(Weigering::OngeldigVeld(checker.0));
    }
    Ok(Inzage { medewerker, reden: Some(reden).filter(|reden| !reden.is_empty()) })
}
