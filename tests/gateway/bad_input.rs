use std::time::Duration;

use ketenpoort::proto;
use prost::Message;
use serde_json::{Value, json};
use tonic::{
    Code, Status,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    transport::Channel,
};
use tonic_types::StatusExt;

use crate::harness::*;

/// Bytes as they are, to send what no honest client sends.
#[derive(Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        prost::bytes::BufMut::put_slice(out, &item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        use prost::bytes::Buf;
        Ok(Some(source.copy_to_bytes(source.remaining()).to_vec()))
    }
}

async fn raw(channel: &Channel, method: &'static str, bytes: Vec<u8>) -> Result<Vec<u8>, Status> {
    let mut grpc = tonic::client::Grpc::new(channel.clone());
    grpc.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static(method);
    Ok(grpc.unary(tonic::Request::new(bytes), path, Raw).await?.into_inner())
}

const SEND: &str = "/ketenpoort.v1.ExchangeService/Send";

/// The request with an extra field: tag 900, wire type 0, value 1.
fn with_unknown(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.extend([0xa0, 0x38, 0x01]);
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_message_is_refused_typed_and_counted_once_a_minute() {
    let gateway = TestGateway::start().await;
    let channel = gateway.profile("zsm").channel().await.unwrap();
    let whole = check().encode_to_vec();
    let truncated = whole[..whole.len() - 3].to_vec();
    for bytes in [vec![0xff; 40], truncated, b"geen protobuf".to_vec()] {
        assert_eq!(weigering(raw(&channel, SEND, bytes).await), "onleesbaar");
    }
    assert_eq!(weigering(raw(&channel, SEND, with_unknown(whole.clone())).await), "onbekend_veld");
    let mut request = check();
    let inhoud = with_unknown(request.inhoud.take().unwrap().encode_to_vec());
    let mut nested = request.encode_to_vec();
    prost::encoding::bytes::encode(7, &inhoud, &mut nested);
    assert_eq!(weigering(raw(&channel, SEND, nested).await), "onbekend_veld");
    // A berichtsoort that this version does not have: tag 50 of the content.
    let mut strange = Vec::new();
    prost::encoding::bytes::encode(50, &Vec::new(), &mut strange);
    let mut unknown_soort = request.encode_to_vec();
    prost::encoding::bytes::encode(7, &strange, &mut unknown_soort);
    assert_eq!(weigering(raw(&channel, SEND, unknown_soort).await), "onbekend_veld");
    assert_eq!(weigering(raw(&channel, SEND, vec![0x0a; 2 << 20]).await), "te_groot");
    // Half a million empty ontvangers fit in a message; decoded they would take a hundred times its size.
    assert_eq!(weigering(raw(&channel, SEND, [0x1a, 0x00].repeat(500_000)).await), "te_groot");
    assert_eq!(weigering(raw(&channel, "/ketenpoort.v1.ExchangeService/Steal", Vec::new()).await), "methode_onbekend");
    // It costs the gateway nothing else: the next honest call is answered.
    raw(&channel, SEND, whole).await.unwrap();
    gateway.stop().await;
    let counted: Vec<_> = gateway.regels().await.into_iter().filter(|regel| regel.aantal.is_some()).collect();
    let sum = |code: &str| -> u64 {
        counted.iter().filter(|regel| regel.weigering.as_deref() == Some(code)).filter_map(|regel| regel.aantal).sum()
    };
    assert_eq!(["onleesbaar", "onbekend_veld", "te_groot", "methode_onbekend"].map(sum), [3, 3, 2, 1]);
    // One a minute and reason; the minute may have turned once meanwhile.
    assert!(counted.len() <= 8, "{counted:?}");
}

/// Every broken variant of a valid bericht, and the field that is blamed.
fn broken() -> Vec<(Value, &'static str)> {
    let change = |soort: &str, pointer: &str, value: Value| {
        let mut json = template(soort);
        *json.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer} is not in {soort}")) = value;
        json
    };
    let with_bsn = |bsn: &str| {
        let mut json = template("contextinformatieverzoek");
        json["inhoud"]["betrokkenen"][0]["bsn"] = json!(bsn);
        json
    };
    let twice = json!([{"partner": "zvh-zeeland"}, {"partner": "zvh-zeeland", "loket": "algemeen"}]);
    let long = "x".repeat(600);
    vec![
        (change("bekendheidscheck", "/ontvangers", json!([])), "ontvangers"),
        (change("bekendheidscheck", "/ontvangers", twice), "ontvangers[1]"),
        (change("bekendheidscheck", "/ontvangers/0/partner", json!("ZVH!")), "ontvangers[0].partner"),
        (change("bekendheidscheck", "/loket", json!("../geheim")), "loket"),
        (change("bekendheidscheck", "/inhoud/betrokkenen", json!([])), "inhoud.betrokkenen"),
        (change("bekendheidscheck", "/inhoud/betrokkenen/0/naam", json!(" ")), "inhoud.betrokkenen[0].naam"),
        (change("bekendheidscheck", "/inhoud/betrokkenen/0/naam", json!("a\u{1b}[2J")), "inhoud.betrokkenen[0].naam"),
        (
            change("bekendheidscheck", "/inhoud/betrokkenen/0/geboortedatum", json!("1987-02-30")),
            "inhoud.betrokkenen[0].geboortedatum",
        ),
        (
            change("bekendheidscheck", "/inhoud/betrokkenen/0/geboortedatum", json!("2999-01-01")),
            "inhoud.betrokkenen[0].geboortedatum",
        ),
        (change("bekendheidscheck", "/inhoud/betrokkenen/0/rol", json!("BETROKKENE_ROL_OVERIG")), "inhoud.betrokkenen"),
        (change("bekendheidscheck", "/inhoud/medewerker", json!("")), "inhoud.medewerker"),
        (change("bekendheidscheck", "/inhoud/contact", Value::Null), "inhoud.contact"),
        (change("bekendheidscheck", "/inhoud/contact/telefoon", json!("bel maar")), "inhoud.contact.telefoon"),
        (change("bekendheidscheck", "/inhoud/verder_verstrekken", json!(7)), "inhoud.verder_verstrekken"),
        (change("bekendheidscheck", "/inhoud/bekendheidscheck", Value::Null), "inhoud"),
        (
            change("bekendheidscheck", "/inhoud/bekendheidscheck/antwoord_nodig_voor", json!("straks")),
            "inhoud.bekendheidscheck.antwoord_nodig_voor",
        ),
        (
            change("contextinformatieverzoek", "/inhoud/contextinformatieverzoek/verdenking", json!(long)),
            "inhoud.contextinformatieverzoek.verdenking",
        ),
        (
            change("contextinformatieverzoek", "/inhoud/contextinformatieverzoek/pleegdatum", json!("2999-01-01")),
            "inhoud.contextinformatieverzoek.pleegdatum",
        ),
        (with_bsn("999990018"), "inhoud.betrokkenen[0].bsn"),
        (with_bsn("12345"), "inhoud.betrokkenen[0].bsn"),
        (change("scenario", "/inhoud/peildatum", Value::Null), "inhoud.peildatum"),
        (change("scenario", "/inhoud/peildatum", json!("2999-01-01")), "inhoud.peildatum"),
        (change("scenario", "/inhoud/scenario/afgestemd_met", json!([])), "inhoud.scenario.afgestemd_met"),
        (change("melding_18b", "/inhoud/melding_18b/noodzaak", json!("")), "inhoud.melding_18b.noodzaak"),
        (
            change("bij_melding", "/inhoud/bij_melding/categorie", json!("BIJ_CATEGORIE_UNSPECIFIED")),
            "inhoud.bij_melding.categorie",
        ),
    ]
}

/// The same for the work of a ZVH: berichtsoort, changed values, and the field of it that is blamed.
fn broken_of_zvh() -> Vec<(Value, String)> {
    let rows = [
        ("verrijkingsverzoek", json!({"vraag": ""}), "vraag"),
        ("verrijkingsverzoek", json!({"antwoord_nodig_voor": "morgen"}), "antwoord_nodig_voor"),
        ("verrijking", json!({"toelichting": " "}), "toelichting"),
        ("buikpijnmelding", json!({"strafzaak_loopt_door": 0}), "strafzaak_loopt_door"),
        (
            "buikpijnbesluit",
            json!({"uitkomst": "BUIKPIJN_UITKOMST_DOORGEZET", "doorgezet_naar": null}),
            "doorgezet_naar",
        ),
        ("afdoeningsbericht", json!({"datum": "2999-01-01"}), "datum"),
        ("reintegratiebericht", json!({"schulden": 9}), "schulden"),
        ("aanmelding", json!({"betrokken_organisaties": []}), "betrokken_organisaties"),
        ("triagebesluit", json!({"uitkomst": "TRIAGE_UITKOMST_AFGEWEZEN", "reden": null}), "reden"),
        (
            "triagebesluit",
            json!({"uitkomst": "TRIAGE_UITKOMST_DOORVERWEZEN", "doorverwezen_naar": null}),
            "doorverwezen_naar",
        ),
        ("opschaling", json!({"gevraagd": ""}), "gevraagd"),
        ("afschaling", json!({"regievoerder": ""}), "regievoerder"),
        ("mondelinge_verstrekking", json!({"moment": "2999-01-01T00:00:00Z"}), "moment"),
        ("mondelinge_verstrekking", json!({"samenvatting": "x".repeat(501)}), "samenvatting"),
    ];
    let broken = |(soort, values, field): (&str, Value, &str)| {
        let mut json = template(soort);
        json["inhoud"][soort].as_object_mut().unwrap().extend(values.as_object().unwrap().clone());
        (json, format!("inhoud.{soort}.{field}"))
    };
    let mut all: Vec<_> = rows.map(broken).into();
    let mut undated = template("verrijking");
    undated["inhoud"]["peildatum"] = Value::Null;
    all.push((undated, "inhoud.peildatum".to_owned()));
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_field_is_named_and_every_refusal_logged() {
    let gateway = TestGateway::start().await;
    let mut broken: Vec<_> = broken().into_iter().map(|(json, field)| (json, field.to_owned())).collect();
    broken.extend(broken_of_zvh());
    for (json, field) in &broken {
        let profile = match json["inhoud"].as_object().unwrap() {
            inhoud if inhoud.contains_key("scenario") => "zvh-baronie-breda",
            inhoud if inhoud.contains_key("melding_18b") || inhoud.contains_key("bij_melding") => "dji",
            _ => "zsm",
        };
        let status = gateway.client(profile).await.send(request(json.clone())).await.expect_err(field.as_str());
        assert_eq!(status.code(), Code::InvalidArgument, "{field}");
        let fields = status.get_details_bad_request().unwrap_or_else(|| panic!("{field}: {status:?}")).field_violations;
        assert!(fields.iter().any(|found| found.field == *field), "{field} is not in {fields:?}");
        assert!(status.get_details_localized_message().is_some());
        assert_eq!(weigering::<()>(Err(status)), "ongeldig_veld");
    }
    let logged = gateway.soorten().await.iter().filter(|soort| *soort == "geweigerd:ongeldig_veld").count();
    assert_eq!(logged, broken.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn all_wrong_fields_are_named_at_once() {
    let gateway = TestGateway::start().await;
    let status =
        gateway.client("zsm").await.send(request(json!({"inhoud": {"bekendheidscheck": {}}}))).await.unwrap_err();
    let fields = status.get_details_bad_request().unwrap().field_violations;
    assert!(fields.len() >= 7, "{fields:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_reason_has_its_own_code() {
    let gateway = TestGateway::start().await;
    let mut zsm = gateway.client("zsm").await;
    let check_with = |pointer: &str, value: Value| {
        let mut json = template("bekendheidscheck");
        *json.pointer_mut(pointer).unwrap() = value;
        json
    };
    let mut bsn = template("bekendheidscheck");
    bsn["inhoud"]["betrokkenen"][0]["bsn"] = json!("999990019");
    let mut minor = template("contextinformatieverzoek");
    minor["inhoud"]["betrokkenen"][0]["geboortedatum"] = json!("2012-03-04");
    let mut partial = template("contextinformatieverzoek");
    let eighteen_years_ago = today().year() - 18;
    partial["inhoud"]["betrokkenen"][0]["geboortedatum"] = json!(eighteen_years_ago.to_string());
    let mut grondslag = template("bekendheidscheck");
    grondslag["grondslag"] = json!("art-18b-pbw-bestaat-hier-niet");
    for (json, code) in [
        (check_with("/ontvangers/0/partner", json!("zvh-amsterdam")), "partner_onbekend"),
        (check_with("/ontvangers/0/loket", json!("achterdeur")), "loket_onbekend"),
        (check_with("/loket", json!("achterdeur")), "loket_niet_van_u"),
        (
            check_with("/inhoud/bekendheidscheck/antwoord_nodig_voor", json!("2020-01-01T00:00:00Z")),
            "termijn_verstreken",
        ),
        (bsn, "bsn_niet_toegestaan"),
        (minor, "doelgroep_niet_toegestaan"),
        (partial, "doelgroep_onbepaald"),
        (grondslag, "grondslag_niet_toegestaan"),
    ] {
        assert_eq!(weigering(zsm.send(request(json)).await), code);
        assert_eq!(gateway.soorten().await.pop(), Some(format!("geweigerd:{code}")));
    }
    for request_id in ["", "geen-uuid", "00000000-0000-0000-0000-000000000000"] {
        let mut request = check();
        request.request_id = request_id.to_owned();
        assert_eq!(weigering(zsm.send(request).await), "request_id_ontbreekt");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn content_over_its_limit_is_refused() {
    let gateway = TestGateway::start().await;
    let mut request = request(template("contextinformatieverzoek"));
    let first = request.inhoud.as_ref().unwrap().betrokkenen[0].clone();
    // A field that is far too long keeps the message under its own limit of 1 MiB.
    let naam = "x".repeat(300 << 10);
    request.inhoud.as_mut().unwrap().betrokkenen.push(proto::Betrokkene { naam, ..first });
    assert_eq!(weigering(gateway.client("zsm").await.send(request).await), "te_groot");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_request_and_a_wrong_first_message_are_refused() {
    let gateway = TestGateway::start().await;
    let mut zsm = gateway.client("zsm").await;
    assert_eq!(weigering(zsm.send(proto::SendRequest::default()).await), "request_id_ontbreekt");
    assert_eq!(weigering(zsm.get_status(proto::GetStatusRequest::default()).await), "ongeldig_veld");
    assert_eq!(weigering(zsm.fetch(proto::FetchRequest::default()).await), "bericht_onbekend");
    let first = proto::ReceiveRequest { verzoek: Some(proto::receive_request::Verzoek::Krediet(1)) };
    assert_eq!(weigering(zsm.receive(tokio_stream::once(first)).await), "ongeldig_veld");
    assert_eq!(weigering(Receiver::open(&mut zsm, "volwassenen", 5000).await.map(drop)), "ongeldig_veld");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_has_passed_is_refused_and_nothing_is_lost() {
    let gateway = TestGateway::start().await;
    let mut zsm = gateway.client("zsm").await;
    let request = check();
    let mut late = tonic::Request::new(request.clone());
    late.metadata_mut().insert("grpc-timeout", "1n".parse().unwrap());
    // This client gives up by itself before the gateway can say so.
    assert!(matches!(zsm.send(late).await.unwrap_err().code(), Code::Cancelled | Code::DeadlineExceeded));
    // Whatever became of it: repeating with the same request_id gives one bericht.
    let first = send(&mut zsm, request.clone()).await.unwrap();
    assert_eq!(send(&mut zsm, request).await.unwrap(), first);
    let accepted = gateway.soorten().await.iter().filter(|soort| *soort == "aanvaard").count();
    assert_eq!(accepted, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn identity_never_comes_from_the_request() {
    let gateway = TestGateway::start().await;
    let mut politie = gateway.client("politie").await;
    let mut json = template("bekendheidscheck");
    json["loket"] = json!("algemeen");
    let mut forged = tonic::Request::new(request(json));
    for (key, value) in [("x-forwarded-client-cert", "zsm"), ("partner", "zsm"), ("oin", "00000099000000105000")] {
        forged.metadata_mut().insert(key, value.parse().unwrap());
    }
    forged.set_timeout(Duration::from_secs(10));
    assert_eq!(weigering(politie.send(forged).await), "geen_regel");
}
