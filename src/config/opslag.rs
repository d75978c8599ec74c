//! The `[opslag]` section: where the store is, SQLite or PostgreSQL, and what of it is accepted.

use std::{
    env,
    fmt::{self, Display, Formatter},
    path::{Path, PathBuf},
};

use url::Url;

use crate::lezen::section::{Section, Vorm};

/// Environment variable that overrides `[opslag] url`.
pub const DATABASE_URL: &str = "KETENPOORT_DATABASE_URL";

/// How far the clock of a gateway may be from that of PostgreSQL at most, seconds.
const MOST_CLOCK_SECONDS: u64 = 60;

/// Where the store is.
#[derive(Clone, Debug)]
pub enum Opslag {
    /// One file, one gateway.
    Sqlite {
        /// The file.
        bestand: PathBuf,
        /// Largest size in MiB, if bounded.
        grootste_mebibytes: Option<u64>,
    },
    /// A server, any number of gateways.
    Postgres(Postgres),
}

/// A PostgreSQL database and what is asked of it.
#[derive(Clone, Debug)]
pub struct Postgres {
    /// Where it can be: the primary and its standbys, each with verified TLS or a local socket. Whichever takes writes is used.
    pub servers: Vec<Server>,
    /// Start although a standby can lack what was acknowledged.
    pub asynchroon_aanvaard: bool,
    /// How far the clock may be from the database's, seconds.
    pub klokverschil_seconds: u64,
}

/// The address of one server. Shown without its password.
#[derive(Clone)]
pub struct Server(Url);

impl Server {
    /// The URL, with whatever password stands in it.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// The file that one of `sslrootcert`, `sslcert` and `sslkey` names.
    #[must_use]
    pub fn file(&self, option: &str) -> Option<PathBuf> {
        self.0.query_pairs().find(|(key, _)| key == option).map(|(_, path)| PathBuf::from(&*path))
    }
}

impl Display for Server {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let socket = self.0.query_pairs().find(|(key, _)| key == "host").map(|(_, directory)| directory.into_owned());
        let host = socket.or_else(|| self.0.host_str().map(str::to_owned)).unwrap_or_default();
        let of_query = self.0.query_pairs().find(|(key, _)| key == "port").and_then(|(_, port)| port.parse().ok());
        let port = of_query.or(self.0.port()).unwrap_or(5432);
        write!(f, "postgres {host}:{port}{}", self.0.path())
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

const SQLITE: Vorm = Vorm::fixed(
    "sqlite: en een bestand zonder opties, zoals sqlite:ketenpoort.db,",
    "sqlite: and a file without options, such as sqlite:ketenpoort.db",
);
const SCHEME: Vorm =
    Vorm::fixed("een URL die met sqlite: of postgres: begint", "a URL that starts with sqlite: or postgres:");
static POSTGRES: Vorm = Vorm::fixed(
    "zoals postgres://gebruiker@server1,server2/database?sslrootcert=ca.pem of \
     postgres:///database?host=/run/postgresql&user=gebruiker, zonder andere opties dan host, port, user, password, \
     sslmode, sslrootcert, sslcert en sslkey,",
    "such as postgres://user@server1,server2/database?sslrootcert=ca.pem or \
     postgres:///database?host=/run/postgresql&user=user, with no other options than host, port, user, password, \
     sslmode, sslrootcert, sslcert and sslkey",
);
static TLS: Vorm = Vorm::fixed(
    "een verbinding met sslmode=verify-full (de standaard), of een lokale socket",
    "a connection with sslmode=verify-full (the default), or a local socket",
);
const OF_SQLITE: Vorm = Vorm::fixed("er alleen met sqlite:", "there only with sqlite:");

/// Reads the section. What it names by a relative path stands beside the file, or with the environment variable in the
/// working directory.
pub(super) fn opslag(section: Section<'_>, base: &Path) -> Option<Opslag> {
    let configured = section.text("url");
    let (key, url, line, base) = if let Some(url) = env::var_os(DATABASE_URL) {
        (DATABASE_URL, Some(url.to_string_lossy().into_owned()), section.line(), Path::new("."))
    } else {
        let line = configured.as_ref().map_or(section.line(), |url| url.line);
        ("url", configured.map(|url| url.value), line, base)
    };
    let grootste = section.optional_number("grootste_mebibytes", 1..=1 << 20);
    let asynchroon_aanvaard = section.flag("asynchroon_aanvaard", false);
    let klokverschil = section.optional_number("klokverschil_seconds", 1..=MOST_CLOCK_SECONDS);
    let klokverschil_seconds = klokverschil.map_or(MOST_CLOCK_SECONDS, |seconds| seconds.value);
    let read = |url: String| {
        if let Some(rest) = url.strip_prefix("sqlite:") {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            if path.is_empty() || path.contains('?') || path.starts_with(':') {
                return section.wrong(line, key, &SQLITE);
            }
            let bestand = base.join(path);
            return Some(Opslag::Sqlite { bestand, grootste_mebibytes: grootste.map(|number| number.value) });
        }
        let Some(rest) = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://")) else {
            return section.wrong(line, key, &SCHEME);
        };
        // From the environment another database can be meant than the file speaks of.
        if let Some(number) = grootste.filter(|_| env::var_os(DATABASE_URL).is_none()) {
            section.wrong::<()>(number.line, "grootste_mebibytes", &OF_SQLITE);
        }
        match servers(rest, base) {
            Ok(servers) => Some(Opslag::Postgres(Postgres { servers, asynchroon_aanvaard, klokverschil_seconds })),
            Err(vorm) => section.wrong(line, key, vorm),
        }
    };
    let opslag = url.and_then(read);
    section.finish();
    opslag
}

/// One address for each server that a URL names. Several stand in it as with libpq: separated by commas, in the place of the
/// host or in the option `host`.
fn servers(rest: &str, base: &Path) -> Result<Vec<Server>, &'static Vorm> {
    let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (user, hosts) =
        authority.rsplit_once('@').map_or((String::new(), authority), |(user, hosts)| (format!("{user}@"), hosts));
    let parse = |host: &str| Url::parse(&format!("postgres://{user}{host}{tail}")).map_err(|_| &POSTGRES);
    let mut urls = hosts.split(',').map(parse).collect::<Result<Vec<Url>, _>>()?;
    let option = |name: &str| -> Vec<String> {
        let values = urls[0].query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        values.flat_map(|list| list.split(',').map(str::to_owned).collect::<Vec<_>>()).collect()
    };
    let (in_options, ports) = (option("host"), option("port"));
    let named: Vec<Option<String>> =
        if in_options.is_empty() { vec![None; urls.len()] } else { in_options.into_iter().map(Some).collect() };
    if named[0].is_some() {
        // Both places at once would mean two different things.
        if !hosts.is_empty() {
            return Err(&POSTGRES);
        }
        urls = vec![urls[0].clone(); named.len()];
    }
    if ports.len() > 1 && ports.len() != urls.len() {
        return Err(&POSTGRES);
    }
    let port = |at: usize| ports.get(at).or(ports.first()).map(String::as_str);
    urls.iter().zip(&named).enumerate().map(|(at, (url, host))| server(url, host.as_deref(), port(at), base)).collect()
}

/// One server: its options in a form that the driver knows, its connection verified.
fn server(url: &Url, host: Option<&str>, port: Option<&str>, base: &Path) -> Result<Server, &'static Vorm> {
    let socket = host.filter(|host| host.starts_with('/'));
    let named = host.or(url.host_str());
    // A password with a slash that is not percent-encoded would end up in the path, and be shown.
    let database = url.path().strip_prefix('/').filter(|name| !name.is_empty() && !name.contains(['/', '@', ':']));
    if socket.is_none() && named.is_none_or(str::is_empty) || database.is_none() {
        return Err(&POSTGRES);
    }
    let mut whole = url.clone();
    whole.set_query(None);
    let mut options = whole.query_pairs_mut();
    for (key, value) in url.query_pairs() {
        match &*key {
            "host" | "port" => {}
            "user" | "password" => drop(options.append_pair(&key, &value)),
            "sslrootcert" | "sslcert" | "sslkey" => {
                options.append_pair(&key, &base.join(&*value).to_string_lossy());
            }
            // As with libpq, it says nothing of a socket.
            "sslmode" if socket.is_some() || value == "verify-full" => {}
            "sslmode" => return Err(&TLS),
            _ => return Err(&POSTGRES),
        }
    }
    options.append_pair("sslmode", if socket.is_some() { "disable" } else { "verify-full" });
    if let Some(host) = host {
        options.append_pair("host", host);
    }
    // The driver takes an address with its brackets for a name.
    if let Some(address) = named.and_then(|host| host.strip_prefix('[')?.strip_suffix(']')) {
        options.append_pair("hostaddr", address);
    }
    if let Some(port) = port {
        port.parse::<u16>().map_err(|_| &POSTGRES)?;
        options.append_pair("port", port);
    }
    drop(options);
    Ok(Server(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(rest: &str) -> Result<Vec<String>, &'static str> {
        let servers = servers(rest, Path::new("/etc/kp"))
            .map_err(|vorm| if std::ptr::eq(vorm, &raw const TLS) { "tls" } else { "form" })?;
        Ok(servers.iter().map(|server| server.url().to_string()).collect())
    }

    #[test]
    fn each_server_is_verified_or_a_local_socket() {
        assert_eq!(
            shown("kp@db1:5433,db2/keten?sslrootcert=ca.pem").unwrap(),
            [
                "postgres://kp@db1:5433/keten?sslrootcert=%2Fetc%2Fkp%2Fca.pem&sslmode=verify-full",
                "postgres://kp@db2/keten?sslrootcert=%2Fetc%2Fkp%2Fca.pem&sslmode=verify-full",
            ]
        );
        assert_eq!(
            shown("/keten?host=/run/a,/run/b&port=5432,5433&user=kp").unwrap(),
            [
                "postgres:///keten?user=kp&sslmode=disable&host=%2Frun%2Fa&port=5432",
                "postgres:///keten?user=kp&sslmode=disable&host=%2Frun%2Fb&port=5433",
            ]
        );
        assert_eq!(shown("db/keten?sslmode=verify-full").unwrap(), ["postgres://db/keten?sslmode=verify-full"]);
        let (shown_v6, v6) =
            (shown("[::1]:5433/keten").unwrap(), "postgres://[::1]:5433/keten?sslmode=verify-full&hostaddr=%3A%3A1");
        assert_eq!(shown_v6, [v6]);
        assert_eq!(shown("/keten?host=db&user=kp").unwrap(), ["postgres:///keten?user=kp&sslmode=verify-full&host=db"]);
    }

    #[test]
    fn what_weakens_or_is_not_understood_is_a_mistake() {
        for mode in ["disable", "allow", "prefer", "require", "verify-ca"] {
            assert_eq!(shown(&format!("db/keten?sslmode={mode}")), Err("tls"), "{mode}");
        }
        for wrong in [
            "",
            "/keten",
            "db",
            "db/",
            "db/keten?options=-c",
            "kp:12/geheim@db/keten",
            "db/a/b",
            "a,b/keten?port=1,2,3",
            "a/keten?host=/run",
            "db/keten?port=x",
        ] {
            assert_eq!(shown(wrong), Err("form"), "{wrong}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let servers = servers("kp:geheim@db:5433/keten?password=geheim", Path::new("/")).unwrap();
        assert_eq!(format!("{servers:?}"), "[postgres db:5433/keten]");
    }
}
