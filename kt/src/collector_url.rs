//! The address of a collector that runs elsewhere.

use policy::BaseUrl;

/// Reads `http(s)://host[:port]`, for the command line.
pub(crate) fn parse(text: &str) -> Result<BaseUrl, String> {
    let address: BaseUrl = text
        .parse()
        .map_err(|error: policy::InvalidBaseUrl| error.to_string())?;
    if address.path.is_empty() {
        Ok(address)
    } else {
        Err(format!(
            "expected http(s)://host[:port] and nothing behind it, found the path {:?}",
            address.path
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_a_host_and_no_path() {
        for text in ["http://127.0.0.1:41003", "https://collector.example/"] {
            assert!(parse(text).is_ok(), "{text}");
        }
        for text in ["", "collector:41003", "https://collector.example/v1"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
