//! What `AT+QLWCONFIG` sets (AN §6.3.1; FW).

use crate::decimal::{decimal, positive};
use bc66_spec::cme::{BAD_PARAMETER, NOT_SUPPORTED};
use bc66_spec::lwm2m::security::{NO_SEC, PSK};

/// Longest name of a host. Assumed: that of the domain name system.
const HOST_MAX: usize = 255;
/// Longest endpoint name. Assumed.
const ENDPOINT_MAX: usize = 64;

/// A server and the name to register under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerConfig {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) endpoint: String,
    pub(crate) lifetime: u32,
}

impl ServerConfig {
    /// Reads `<bs>,<server>,<port>,<endpoint>,<lifetime>,<security>[,<psk id>,<psk>]`; else the number of the error. There
    /// is neither bootstrap nor DTLS in this simulation.
    pub(crate) fn parse(parameters: &str) -> Result<Self, u16> {
        let fields = fields(parameters).ok_or(BAD_PARAMETER)?;
        let [bootstrap, host, port, endpoint, lifetime, security, key @ ..] = fields.as_slice() else {
            return Err(BAD_PARAMETER);
        };
        match (bootstrap.as_str(), decimal::<u8>(security), key.len()) {
            ("0", Some(NO_SEC), 0 | 2) => {}
            ("1", ..) | (_, Some(PSK), 2) => return Err(NOT_SUPPORTED),
            _ => return Err(BAD_PARAMETER),
        }
        let sound_host =
            !host.is_empty() && host.len() <= HOST_MAX && host.bytes().all(|byte| byte.is_ascii_graphic());
        let sound_endpoint = !endpoint.is_empty() && endpoint.len() <= ENDPOINT_MAX;
        if !sound_host || !sound_endpoint {
            return Err(BAD_PARAMETER);
        }
        Ok(Self {
            host: host.clone(),
            port: positive(port).ok_or(BAD_PARAMETER)?,
            endpoint: endpoint.clone(),
            lifetime: positive(lifetime).ok_or(BAD_PARAMETER)?,
        })
    }

    /// As `AT+QLWCONFIG?` shows it after the colon: the host without quotes (FW).
    pub(crate) fn shown(&self) -> String {
        let (host, port, endpoint, lifetime) = (&self.host, self.port, &self.endpoint, self.lifetime);
        format!("0,{host},{port},\"{endpoint}\",{lifetime},{NO_SEC}")
    }
}

/// Fields between commas; quotes around one are taken off. `None` if a quote is not closed or stands inside a field.
fn fields(text: &str) -> Option<Vec<String>> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let trimmed = rest.trim_start();
        let (field, behind) = match trimmed.strip_prefix('"') {
            Some(quoted) => {
                let (field, behind) = quoted.split_once('"')?;
                (field, behind.trim_start())
            }
            None => {
                let (field, behind) = trimmed.split_at(trimmed.find(',').unwrap_or(trimmed.len()));
                (
                    Some(field.trim_end()).filter(|field| !field.contains('"'))?,
                    behind,
                )
            }
        };
        fields.push(field.to_owned());
        match behind.strip_prefix(',') {
            Some(more) => rest = more,
            None => return behind.is_empty().then_some(fields),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("0,\"leshan.eclipse.org\",5683,\"867725030029312\",50,3")]
    #[case("0,leshan.eclipse.org,\"5683\",867725030029312,50,3")]
    #[case("0, \"leshan.eclipse.org\" ,5683,\"867725030029312\",50,3,\"id\",\"key\"")]
    fn sound(#[case] text: &str) {
        let config = ServerConfig::parse(text).expect("sound");
        assert_eq!(
            config.shown(),
            "0,leshan.eclipse.org,5683,\"867725030029312\",50,3"
        );
    }

    #[rstest]
    #[case("0,h,5683,e,50,0,id,key", NOT_SUPPORTED)]
    #[case("1,h,5683,e,50,3", NOT_SUPPORTED)]
    #[case("0,h,5683,e,50,0", BAD_PARAMETER)]
    #[case("0,h,5683,e,50,1", BAD_PARAMETER)]
    #[case("2,h,5683,e,50,3", BAD_PARAMETER)]
    #[case("0,h,0,e,50,3", BAD_PARAMETER)]
    #[case("0,h,5683,e,0,3", BAD_PARAMETER)]
    #[case("0,h,5683,e,-1,3", BAD_PARAMETER)]
    #[case("0,,5683,e,50,3", BAD_PARAMETER)]
    #[case("0,h,5683,,50,3", BAD_PARAMETER)]
    #[case("0,h,5683,e,50", BAD_PARAMETER)]
    #[case("0,\"h,5683,e,50,3", BAD_PARAMETER)]
    #[case("0,h\"x\",5683,e,50,3", BAD_PARAMETER)]
    #[case("", BAD_PARAMETER)]
    fn refused(#[case] text: &str, #[case] error: u16) {
        assert_eq!(ServerConfig::parse(text), Err(error));
    }
}
