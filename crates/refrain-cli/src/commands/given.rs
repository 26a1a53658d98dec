//! Arguments of Keras's classes, as one option: `loss,patience=3`. They stand without quotes and with commas between.

/// Names and values.
#[derive(Clone, Debug)]
pub struct Given(Vec<(String, String)>);

impl Given {
    pub fn find(&self, key: &str) -> Option<&str> {
        let found = self.0.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str())
    }

    /// All in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub fn left(&self) -> Left {
        Left {
            entries: self.0.clone(),
            known: Vec::new(),
        }
    }
}

/// Reads arguments that make something. The first may stand without its name.
pub fn given<C>(
    text: &str,
    first: &str,
    make: fn(&Given) -> Result<C, String>,
) -> Result<Given, String> {
    let entry = |(i, entry): (usize, &str)| match (i, entry.split_once('=')) {
        (_, Some((key, value))) => Ok((key.to_owned(), value.to_owned())),
        (0, None) => Ok((first.to_owned(), entry.to_owned())),
        (_, None) => Err(format!("expected KEY=VALUE, not `{entry}`")),
    };
    let entries: Result<_, String> = split(text).into_iter().enumerate().map(entry).collect();
    let given = Given(entries?);
    make(&given).map(|_| given)
}

/// The parts between commas that stand in no brackets.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0usize;
    let parts = text.split(|c: char| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    parts.collect()
}

/// Arguments that nothing has taken yet.
pub struct Left {
    entries: Vec<(String, String)>,
    known: Vec<&'static str>,
}

impl Left {
    pub fn take(&mut self, key: &'static str) -> Option<String> {
        self.known.push(key);
        let found = self.entries.iter().position(|(name, _)| name == key);
        found.map(|i| self.entries.remove(i).1)
    }

    /// Gives a callback an argument, if it is there.
    pub fn set<C, T>(
        &mut self,
        callback: C,
        key: &'static str,
        read: fn(&str) -> Result<T, String>,
        set: impl FnOnce(C, T) -> C,
    ) -> Result<C, String> {
        match self.take(key) {
            Some(value) => match read(&value) {
                Ok(value) => Ok(set(callback, value)),
                Err(e) => Err(format!("{key}={value}: {e}")),
            },
            None => Ok(callback),
        }
    }

    /// Refuses what no argument has taken.
    pub fn end(self) -> Result<(), String> {
        let Some((name, _)) = self.entries.first() else {
            return Ok(());
        };
        Err(match self.known.contains(&name.as_str()) {
            true => format!("`{name}` is there twice"),
            false => format!("no argument `{name}`; there are {}", self.known.join(", ")),
        })
    }
}
