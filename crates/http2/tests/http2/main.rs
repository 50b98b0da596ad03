//! HTTP/2 as others meet it: against peers that nobody here wrote, and against those that mean ill.

// The attributes tell the lints that helpers, too, are tests.
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod peers;
