//! What a call is: its name, its path, whether it may be made twice, and how often.

/// The corporation's limits are shared by this many instances, about: each takes its part.
pub const INSTANCES_ASSUMED: u32 = 4;

/// How often a call may be made by this instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// In a minute.
    pub per_minute: u32,
    /// In an hour.
    pub per_hour: u32,
    /// In a day.
    pub per_day: u32,
}

impl Limits {
    /// A corporation's calls to one interface: 10,000 a minute and 150,000 an hour (document 90454, of 2023-08-28).
    pub const USUAL: Self = Self::shared(10_000, 150_000, u32::MAX);
    /// For tokens: some 2,000 wrong calls an hour are answered with a block of an hour (the platform's staff, in its forum).
    pub const TOKEN: Self = Self::shared(120, 400, u32::MAX);
    /// For tickets of an app: 100 an hour (document 90454).
    pub const TICKET: Self = Self::shared(100, 100, u32::MAX);
    /// For permanent pictures: 1,000 a day, 3,000 a month (document 90256).
    pub const PICTURE: Self = Self::shared(100, 200, 400);
    /// For signing in: 50,000 a minute (the documentation of `api_snsaccesstoken`).
    pub const SIGN_IN: Self = Self::shared(50_000, u32::MAX, u32::MAX);
    /// For pictures of codes, which are no calls of an interface.
    pub const FETCH: Self = Self::shared(2_000, 20_000, u32::MAX);

    /// This instance's part of limits for all.
    const fn shared(per_minute: u32, per_hour: u32, per_day: u32) -> Self {
        Self {
            per_minute: per_minute / INSTANCES_ASSUMED,
            per_hour: per_hour / INSTANCES_ASSUMED,
            per_day: per_day / INSTANCES_ASSUMED,
        }
    }
}

/// A call of an interface.
#[derive(Debug, PartialEq, Eq)]
pub struct Call {
    /// Its name in metrics and errors.
    pub name: &'static str,
    /// Its path under the base.
    pub path: &'static str,
    /// Whether making it twice does no more than making it once.
    pub is_repeatable: bool,
    /// How often it may be made.
    pub limits: Limits,
}

impl Call {
    /// A call that may be made again when nobody knows what became of it.
    #[must_use]
    pub const fn repeatable(name: &'static str, path: &'static str) -> Self {
        Self { name, path, is_repeatable: true, limits: Limits::USUAL }
    }

    /// A call that makes something new each time, or is for once only.
    #[must_use]
    pub const fn once(name: &'static str, path: &'static str) -> Self {
        Self { name, path, is_repeatable: false, limits: Limits::USUAL }
    }

    /// The same with other limits.
    #[must_use]
    pub const fn limited(self, limits: Limits) -> Self {
        Self { name: self.name, path: self.path, is_repeatable: self.is_repeatable, limits }
    }
}
