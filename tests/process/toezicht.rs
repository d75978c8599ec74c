//! An FG and an auditor at the command line, at a gateway that runs.

use serde_json::Value;

use crate::{
    command_line::send,
    served::{Served, expect, ketenpoort, stderr},
};

fn search(served: &Served, who: &str, arguments: &[&str]) -> std::process::Output {
    let mut search = ketenpoort();
    search.args(["logboek", "search", "--profile"]).arg(served.profile_dir(who)).args(arguments);
    search.output().unwrap()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn an_fg_searches_by_its_profile_and_sees_names_and_local_time() {
    let served = Served::start();
    expect(&send(&served, "zsm", "bekendheidscheck", &[]), 0);
    let found = lines(&expect(&search(&served, "fg-zsm", &["--soort", "aanvaard"]), 0));
    let [one] = &found[..] else { panic!("{found:?}") };
    assert_eq!(
        (one["afzender"].as_str(), one["ontvanger"].as_str(), one["logregel"]["soort"].as_str()),
        (Some("zsm/volwassenen"), Some("zvh-baronie-breda/algemeen"), Some("aanvaard"))
    );
    let local = one["tijd_lokaal"].as_str().unwrap();
    assert!(local.ends_with("+01:00") || local.ends_with("+02:00"), "{local}");
    // The same regel, to the letter, as the operator reads beside the gateway.
    let beside = lines(&expect(&served.logboek("search", &["--soort", "aanvaard"]), 0));
    assert_eq!((&beside[0]["log_index"], &beside[0]["logregel"]), (&one["log_index"], &one["logregel"]));
    assert_eq!(expect(&search(&served, "fg-dji", &["--soort", "aanvaard"]), 0), "");
    // Each look is there for the next one to see.
    let looks = lines(&expect(&search(&served, "auditor", &["--soort", "ingezien"]), 0));
    assert_eq!(looks.iter().filter_map(|look| look["actor"].as_str()).collect::<Vec<_>>(), ["zsm", "dji"]);

    let employee = ["--door", "medewerker-001"];
    let refused = search(&served, "fg-zsm", &employee);
    assert_eq!(expect(&refused, 1), "");
    assert!(stderr(&refused).contains("inzage.reden: waarom u naar deze persoon zoekt"), "{}", stderr(&refused));
    let found = expect(&search(&served, "fg-zsm", &[&employee[..], &["--reden", "een klacht"]].concat()), 0);
    assert!(lines(&found).iter().any(|of| of["logregel"]["soort"] == "aanvaard"), "{found}");

    let config = served.config();
    for wrong in [&["--config", config.to_str().unwrap()][..], &["--van", "gisteren", "--onzin"]] {
        expect(&search(&served, "fg-zsm", wrong), 2);
    }
    // What only toezicht can ask is not asked of the database.
    expect(&served.logboek("search", &["--van", "2026-01-01"]), 2);
    // A partner has another port, and another right.
    expect(&search(&served, "zsm", &[]), 1);
}
