//! Proposed changes: told before, agreed with by whom the deelnemers name, carried out once everybody did and the days are over.

use jiff::SignedDuration;
use ketenpoort::{
    documenten::hash,
    domain::{TeWijzigen, wijzigen::te_tekenen},
    logboek::Soort,
    proto::{self, Voorstel},
    tls::handtekening::holds,
};
use tonic::Status;

use crate::harness::{PATIENCE, TestGateway, check, send, weigering};

const CONVENANT: &str = "convenanten/zvh-baronie-breda.toml";
/// A party less, and the rules of those that stay.
const RENEWED: (&str, &str) = ("versie = \"2026.1\"", "versie = \"2026.2\"");

/// Puts in force what a change asks.
pub async fn asks(gateway: &TestGateway, wijzigen: &str) -> String {
    let file = gateway.path().join("deelnemers.toml");
    let tekst = format!("{}\n[wijzigen]\n{wijzigen}\n", std::fs::read_to_string(file).unwrap());
    let laden = proto::NieuwDocument { herkomst: "deelnemers.toml".to_owned(), tekst: tekst.clone() };
    gateway.load(vec![laden]).await.unwrap();
    tekst
}

async fn propose(gateway: &TestGateway, laden: Vec<proto::NieuwDocument>) -> Result<Voorstel, Status> {
    let request = proto::ProposeDocumentsRequest {
        laden,
        intrekken: Vec::new(),
        reden: "nieuwe afspraken".to_owned(),
        medewerker: "beheer-7".to_owned(),
    };
    let proposed = gateway.beheer().await.propose_documents(request).await?.into_inner();
    Ok(proposed.voorstel.unwrap())
}

pub async fn renewed(gateway: &TestGateway) -> Voorstel {
    propose(gateway, vec![gateway.edited(CONVENANT, RENEWED.0, RENEWED.1)]).await.unwrap()
}

/// Agrees, with a signature over what `change` makes of the text for each convenant that is asked of this profile.
pub async fn ratify(
    gateway: &TestGateway,
    who: &str,
    voorstel: &Voorstel,
    change: impl Fn(String) -> String,
) -> Result<Voorstel, Status> {
    let open = listed(gateway, who).await?;
    let of = open.into_iter().find(|of| of.voorstel == voorstel.voorstel).unwrap_or_else(|| voorstel.clone());
    let asked = of.instemming.iter().filter(|asked| asked.aan_u).filter_map(|asked| asked.convenant.clone());
    let signed = asked.map(|convenant| {
        let document = of.documenten.iter().find(|document| document.naam == convenant).unwrap();
        let handtekening = gateway.profile(who).sign(&change(te_tekenen(of.voorstel, &to_sign(document)))).unwrap();
        proto::Handtekening { convenant, handtekening }
    });
    let request = proto::RatifyVoorstelRequest {
        voorstel: of.voorstel,
        medewerker: "bestuurder-1".to_owned(),
        handtekeningen: signed.collect(),
    };
    Ok(gateway.beheer_as(who).await.ratify_voorstel(request).await?.into_inner().voorstel.unwrap())
}

fn to_sign(document: &proto::VoorgesteldDocument) -> TeWijzigen {
    TeWijzigen {
        soort: document.soort.parse().unwrap(),
        naam: document.naam.clone(),
        oud: document.hash_oud.clone(),
        nieuw: document.tekst.as_deref().map(hash),
    }
}

async fn listed(gateway: &TestGateway, who: &str) -> Result<Vec<Voorstel>, Status> {
    let request = proto::ListVoorstellenRequest { medewerker: "bestuurder-1".to_owned() };
    Ok(gateway.beheer_as(who).await.list_voorstellen(request).await?.into_inner().voorstellen)
}

/// What an FG sees.
async fn seen(gateway: &TestGateway, who: &str) -> Vec<Voorstel> {
    let inzage = proto::Inzage { medewerker: "fg-007".to_owned(), reden: String::new() };
    let request = proto::GetVoorstellenRequest { inzage: Some(inzage) };
    gateway.toezicht(who).await.get_voorstellen(request).await.unwrap().into_inner().voorstellen
}

/// The version of the convenant in force; empty as long as this gateway has not read what just came into force.
async fn versie(gateway: &TestGateway) -> String {
    let listed = gateway.beheer().await.list_documents(proto::ListDocumentsRequest {}).await.unwrap().into_inner();
    let of = listed.documenten.into_iter().find(|document| document.naam == "zvh-baronie-breda").unwrap();
    of.versie.unwrap_or_default()
}

pub async fn until_in_force(gateway: &TestGateway) {
    let until = std::time::Instant::now() + PATIENCE;
    while versie(gateway).await != "2026.2" {
        assert!(std::time::Instant::now() < until, "it did not come into force");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_operator_agrees_and_then_it_holds_after_its_days_and_not_before() {
    let mut gateway = TestGateway::start().await;
    asks(&gateway, "bekrachtigt = \"ander\"\nna_dagen = 2").await;
    let edited = || gateway.edited(CONVENANT, RENEWED.0, RENEWED.1);
    assert_eq!(weigering(gateway.load(vec![edited()]).await), "bekrachtiging_nodig");
    let voorstel = renewed(&gateway).await;
    assert!(!voorstel.instemming[0].gegeven && voorstel.gevolgen.iter().any(|zin| zin.contains("versie 2026.2")));
    // Each FG sees it at once, in sentences, with why; the text is for who must agree.
    for who in ["fg-dji", "auditor"] {
        let [of] = &seen(&gateway, who).await[..] else { panic!("{who} sees no proposal") };
        assert_eq!((of.reden.as_deref(), &of.gevolgen), (Some("nieuwe afspraken"), &voorstel.gevolgen));
        assert_eq!(of.documenten[0].tekst, None);
    }
    assert_eq!(weigering(ratify(&gateway, "beheer", &voorstel, |text| text).await), "instemming_niet_gevraagd");
    assert_eq!(weigering(ratify(&gateway, "tekent-zsm", &voorstel, |text| text).await), "instemming_niet_gevraagd");
    let agreed = ratify(&gateway, "beheer-2", &voorstel, |text| text).await.unwrap();
    assert!(agreed.instemming.iter().all(|asked| asked.gegeven));
    // The days are not over, whatever happens in between.
    gateway.restart_with(|_| ()).await;
    assert_eq!(versie(&gateway).await, "2026.1");
    gateway.stop().await;
    gateway.clock.advance(SignedDuration::from_hours(48));
    gateway.restart_with(|_| ()).await;
    until_in_force(&gateway).await;
    assert_eq!(listed(&gateway, "beheer").await.unwrap(), []);
    let regels = gateway.regels().await;
    let changed = regels.iter().rfind(|regel| regel.soort == Soort::ConvenantGewijzigd).unwrap();
    assert_eq!((changed.rol.as_deref(), changed.voorstel), (Some("poort"), Some(voorstel.voorstel)));
    assert!(changed.tijd >= voorstel.vanaf, "at {}, not before {}", changed.tijd, voorstel.vanaf);
    let steps: Vec<&str> = regels.iter().map(|regel| regel.soort.as_str()).collect();
    for soort in ["voorgesteld", "bekrachtigd"] {
        assert!(steps.contains(&soort), "{soort}");
    }
}

/// A former text is shown, and each of these looks is a regel.
async fn a_former_text_is_shown(gateway: &TestGateway, former: &proto::Historie) {
    let before = former.hash.clone();
    let request = proto::GetDocumentRequest {
        naam: "zvh-baronie-breda".to_owned(),
        hash: before.clone(),
        medewerker: "beheer-7".to_owned(),
    };
    let looks = gateway.soorten().await.iter().filter(|soort| *soort == "ingezien").count();
    let shown = gateway.beheer().await.get_document(request.clone()).await.unwrap().into_inner();
    assert_eq!(Some(hash(&shown.tekst)), before);
    assert_eq!(gateway.soorten().await.iter().filter(|soort| *soort == "ingezien").count(), looks + 1);
    let elsewhere = proto::GetDocumentRequest { naam: "bij".to_owned(), ..request };
    assert_eq!(weigering(gateway.beheer().await.get_document(elsewhere).await), "document_onbekend");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_party_signs_with_its_own_key_and_that_can_be_shown_to_a_stranger() {
    let gateway = TestGateway::start().await;
    let tekst = asks(&gateway, "bekrachtigt = \"partijen\"").await;
    let voorstel = renewed(&gateway).await;
    let parties: Vec<String> = voorstel.instemming.iter().map(|asked| asked.partner.clone().unwrap()).collect();
    assert!(parties.len() > 2 && parties.contains(&"zsm".to_owned()), "{parties:?}");
    // Another text, another key, or nothing at all.
    let other = |text: String| text.replace("sha256 ", "sha256 0");
    assert_eq!(weigering(ratify(&gateway, "tekent-zsm", &voorstel, other).await), "handtekening_onjuist");
    let stolen = |_: String| String::new();
    assert_eq!(weigering(ratify(&gateway, "tekent-zsm", &voorstel, stolen).await), "handtekening_onjuist");
    let unsigned = proto::RatifyVoorstelRequest {
        voorstel: voorstel.voorstel,
        medewerker: "bestuurder-1".to_owned(),
        handtekeningen: Vec::new(),
    };
    let mut zsm = gateway.beheer_as("tekent-zsm").await;
    assert_eq!(weigering(zsm.ratify_voorstel(unsigned).await), "handtekening_onjuist");
    assert_eq!(weigering(ratify(&gateway, "beheer-2", &voorstel, |text| text).await), "instemming_niet_gevraagd");
    let outsider = "zvh-zeeland";
    assert!(!parties.contains(&outsider.to_owned()));
    let refused = ratify(&gateway, &format!("tekent-{outsider}"), &voorstel, |text| text).await;
    assert_eq!(weigering(refused), "instemming_niet_gevraagd");
    for (number, party) in parties.iter().enumerate() {
        assert_eq!(versie(&gateway).await, "2026.1", "with {number} of {} signatures", parties.len());
        ratify(&gateway, &format!("tekent-{party}"), &voorstel, |text| text).await.unwrap();
    }
    until_in_force(&gateway).await;
    // Asking less asks that of everybody, and of another operator.
    let less = tekst.replace("bekrachtigt = \"partijen\"", "bekrachtigt = \"ander\"");
    let less = proto::NieuwDocument { herkomst: "deelnemers.toml".to_owned(), tekst: less };
    let less = propose(&gateway, vec![less]).await.unwrap();
    let asked = |partner: Option<&str>| less.instemming.iter().any(|of| of.partner.as_deref() == partner);
    assert!(asked(None) && parties.iter().all(|party| asked(Some(party))), "{:?}", less.instemming);
    ratify(&gateway, "tekent-zsm", &less, |text| text).await.unwrap();
    // What was signed can be verified with the certificates alone.
    let request =
        proto::ListHistorieRequest { naam: "zvh-baronie-breda".to_owned(), medewerker: "beheer-7".to_owned() };
    let history = gateway.beheer().await.list_historie(request).await.unwrap().into_inner().historie;
    let newest = &history[0];
    assert_eq!(
        (newest.voorstel, newest.medewerker.as_deref(), newest.reden.as_deref()),
        (Some(voorstel.voorstel), Some("beheer-7"), Some("nieuwe afspraken"))
    );
    assert_eq!(newest.bekrachtigd.len(), parties.len());
    let text = te_tekenen(voorstel.voorstel, &to_sign(&voorstel.documenten[0]));
    for of in &newest.bekrachtigd {
        assert!(holds(of.certificaat.as_ref().unwrap(), &text, of.handtekening.as_ref().unwrap()));
        assert!(!holds(of.certificaat.as_ref().unwrap(), &other(text.clone()), of.handtekening.as_ref().unwrap()));
    }
    a_former_text_is_shown(&gateway, &history[1]).await;
    // Who signs does nothing else.
    let list = proto::ListDocumentsRequest {};
    assert_eq!(weigering(gateway.beheer_as("tekent-zsm").await.list_documents(list).await), "verkeerde_rol");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_takes_away_holds_at_once_and_asking_less_asks_what_it_asked() {
    let gateway = TestGateway::start().await;
    let mut dji = gateway.toezicht("fg-dji").await;
    let identity = |rol: &str| {
        format!(
            "[[identiteit]]\nca = \"ontwikkel\"\noin = \"00000099000000109000\"\nsan = \"{rol}.x.test\"\npartner = \"x\"\nrol = \"{rol}\"\n"
        )
    };
    let guest = format!(
        "\n[[partner]]\nnaam = \"x\"\noin = [\"00000099000000109000\"]\n[[partner.loket]]\nnaam = \"algemeen\"\nfunctie = \"Functionaris\"\n\
         telefoon = \"076 000 00 99\"\n{}{}",
        identity("fg"),
        identity("tekent")
    );
    let tekst = asks(&gateway, &format!("bekrachtigt = \"ander\"\n{guest}")).await;
    let with = |from: &str, to: &str| {
        assert!(tekst.contains(from), "{from}");
        proto::NieuwDocument { herkomst: "deelnemers.toml".to_owned(), tekst: tekst.replace(from, to) }
    };
    // Nobody comes in, nobody sees more, nothing is asked less of.
    let fg = "[[identiteit]]\nca = \"ontwikkel\"\noin = \"00000099000000103000\"\nsan = \"fg.dji.ketenpoort.test\"\npartner = \"dji\"\nrol = \"fg\"\n";
    for more in [
        with(fg, &format!("{fg}ziet = [\"zsm\"]\n")),
        with("bekrachtigt = \"ander\"", "bekrachtigt = \"niemand\""),
        with("[wijzigen]\nbekrachtigt = \"ander\"\n", ""),
    ] {
        assert_eq!(weigering(gateway.load(vec![more]).await), "bekrachtiging_nodig");
    }
    let inzage = proto::Inzage { medewerker: "fg-007".to_owned(), reden: String::new() };
    dji.get_checkpoint(proto::GetCheckpointRequest { inzage: Some(inzage.clone()) }).await.unwrap();
    // Nor is who oversees or signs taken out together, nor a mandaat: another convenant could stamp from then on.
    let without = |blocks: &[&str]| {
        let gone = |block: &&str| !blocks.iter().any(|line| block.lines().any(|one| one == *line));
        let kept: Vec<&str> = tekst.split("\n\n").filter(gone).collect();
        assert_eq!(kept.len() + blocks.len(), tekst.split("\n\n").count());
        proto::NieuwDocument { herkomst: "deelnemers.toml".to_owned(), tekst: kept.join("\n\n") }
    };
    for less in [
        without(&["id = \"18b-baronie-breda\""]),
        without(&["san = \"fg.dji.ketenpoort.test\"", "san = \"tekent.zsm.ketenpoort.test\""]),
    ] {
        assert_eq!(weigering(gateway.load(vec![less]).await), "bekrachtiging_nodig");
    }
    // Of those who could agree, one is too few.
    let alone = gateway.load(vec![without(&["san = \"beheer-2.ketenpoort.test\""])]).await.unwrap_err();
    assert!(format!("{alone:?}").contains("geen_tweede_beheer"), "{alone:?}");
    // Not even another word in a convenant: a grondslag could be called confirmed.
    let word = gateway.edited(CONVENANT, RENEWED.0, RENEWED.1);
    assert_eq!(weigering(gateway.load(vec![word]).await), "bekrachtiging_nodig");
    // A partner goes at once, with all who oversee and sign for it; and so does one of those.
    let tekst = tekst.replace(&guest, "");
    gateway
        .load(vec![proto::NieuwDocument { herkomst: "deelnemers.toml".to_owned(), tekst: tekst.clone() }])
        .await
        .unwrap();
    let without_fg = proto::NieuwDocument { herkomst: "deelnemers.toml".to_owned(), tekst: tekst.replace(fg, "") };
    gateway.load(vec![without_fg]).await.unwrap();
    let out = dji.get_checkpoint(proto::GetCheckpointRequest { inzage: Some(inzage) }).await;
    out.expect_err("who was taken out is out at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_certificate_is_blocked_at_once_and_two_ask_for_agreement() {
    let gateway = TestGateway::start().await;
    let tekst = asks(&gateway, "bekrachtigt = \"ander\"").await;
    // A fingerprint does not say whether it is of somebody who oversees or signs.
    let blocks =
        ["ab", "cd"].map(|of| format!("\n[[geblokkeerd]]\nvingerafdruk = \"{}\"\nreden = \"kwijt\"\n", of.repeat(32)));
    let blocked = |blocks: &[String]| proto::NieuwDocument {
        herkomst: "deelnemers.toml".to_owned(),
        tekst: format!("{tekst}{}", blocks.concat()),
    };
    assert_eq!(weigering(gateway.load(vec![blocked(&blocks)]).await), "bekrachtiging_nodig");
    gateway.load(vec![blocked(&blocks[..1])]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_is_taken_back_or_lapses_with_another_change_and_nothing_of_it_is_believed_unproven() {
    let gateway = TestGateway::start().await;
    asks(&gateway, "bekrachtigt = \"ander\"").await;
    let first = renewed(&gateway).await;
    let request = proto::WithdrawVoorstelRequest {
        voorstel: first.voorstel,
        reden: "vergissing".to_owned(),
        medewerker: "beheer-7".to_owned(),
    };
    gateway.beheer().await.withdraw_voorstel(request.clone()).await.unwrap();
    assert_eq!(weigering(gateway.beheer().await.withdraw_voorstel(request).await), "voorstel_onbekend");
    assert_eq!(weigering(ratify(&gateway, "beheer-2", &first, |text| text).await), "voorstel_onbekend");
    // One that was told by what is in force no longer holds of what is.
    let second = renewed(&gateway).await;
    let fg = "san = \"fg.rvdk.ketenpoort.test\"\npartner = \"rvdk\"\nrol = \"fg\"\n";
    let file = gateway.path().join("deelnemers.toml");
    let tekst = std::fs::read_to_string(file).unwrap();
    let without =
        tekst.replace(&format!("[[identiteit]]\nca = \"ontwikkel\"\noin = \"00000099000000107000\"\n{fg}"), "");
    assert_ne!(without, tekst);
    let without = format!("{without}\n[wijzigen]\nbekrachtigt = \"ander\"\n");
    let changed = gateway.load(vec![proto::NieuwDocument { herkomst: "x".to_owned(), tekst: without }]).await.unwrap();
    let lapses = format!("Voorstel {} vervalt hierdoor; doe het zo nodig daarna opnieuw.", second.voorstel);
    assert_eq!(changed.waarschuwingen.last(), Some(&lapses));
    assert_eq!(weigering(ratify(&gateway, "beheer-2", &second, |text| text).await), "voorstel_onbekend");
    // The same text as in force is no proposal; a mistake is told.
    let same = gateway.edited(CONVENANT, "versie", "versie");
    assert_eq!(weigering(propose(&gateway, vec![same]).await), "ongeldig_veld");
    let wrong = gateway.edited(CONVENANT, "geldig_van", "geldig_vanaf");
    assert_eq!(weigering(propose(&gateway, vec![wrong]).await), "document_onjuist");
    // Whoever can write in the database cannot make another text of what was proposed.
    let third = renewed(&gateway).await;
    let mut sql = gateway.sql().await;
    let index = i64::try_from(third.voorstel).unwrap();
    let planted =
        sqlx::query("UPDATE voorstellen SET tekst = $1 WHERE log_index = $2").bind("naam = \"x\"").bind(index);
    planted.execute(&mut sql).await.unwrap();
    assert_eq!(weigering(ratify(&gateway, "beheer-2", &third, |text| text).await), "niet_beschikbaar");
    let back = sqlx::query("UPDATE voorstellen SET tekst = $1 WHERE log_index = $2");
    let tekst = third.documenten[0].tekst.clone().unwrap();
    back.bind(tekst).bind(index).execute(&mut sql).await.unwrap();
    // Nor take away that one was taken back: the logboek knows how many steps there were.
    let step = "DELETE FROM besluiten WHERE log_index = (SELECT max(log_index) FROM besluiten)";
    let fourth = renewed(&gateway).await;
    let request = proto::WithdrawVoorstelRequest {
        voorstel: fourth.voorstel,
        reden: "vergissing".to_owned(),
        medewerker: "beheer-7".to_owned(),
    };
    gateway.beheer().await.withdraw_voorstel(request).await.unwrap();
    let (gone,): (i64,) = sqlx::query_as("SELECT max(log_index) FROM besluiten").fetch_one(&mut sql).await.unwrap();
    sqlx::query(step).execute(&mut sql).await.unwrap();
    assert_eq!(weigering(ratify(&gateway, "beheer-2", &fourth, |text| text).await), "niet_beschikbaar");
    let put_back = "INSERT INTO besluiten (log_index, handtekening, certificaat) VALUES ($1, NULL, NULL)";
    sqlx::query(put_back).bind(gone).execute(&mut sql).await.unwrap();
    ratify(&gateway, "beheer-2", &third, |text| text).await.unwrap();
    until_in_force(&gateway).await;
    send(&mut gateway.client("zsm").await, check()).await.unwrap();
}
