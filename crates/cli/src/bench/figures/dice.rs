//! Chance that comes out the same every time: SplitMix64, and what is drawn from it.

/// Seeded; never the same number for two places.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let value = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// From 0 up to, not including, 1.
    pub fn unit(&mut self) -> f64 {
        // 53 bits are what a double holds exactly.
        (self.next() >> 11) as f64 / 9_007_199_254_740_992.0
    }

    pub fn below(&mut self, bound: usize) -> usize {
        ((self.unit() * bound as f64) as usize).min(bound.saturating_sub(1))
    }

    /// Normally distributed around 0, deviation 1: the sum of twelve, less six.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// How many of rare things happen where so many are expected.
    pub fn poisson(&mut self, expected: f64) -> u64 {
        if expected > 30.0 {
            let drawn = expected + expected.sqrt() * self.normal();
            return drawn.round().max(0.0) as u64;
        }
        let (limit, mut product, mut count) = ((-expected).exp(), self.unit(), 0);
        while product > limit {
            product *= self.unit();
            count += 1;
        }
        count
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for place in (1..items.len()).rev() {
            items.swap(place, self.below(place + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_is_distributed_as_it_says() {
        let mut dice = Dice::seeded(1);
        for expected in [0.2, 5.0, 400.0] {
            let drawn: u64 = (0..20_000).map(|_| dice.poisson(expected)).sum();
            let mean = drawn as f64 / 20_000.0;
            assert!((mean - expected).abs() < expected.sqrt() * 0.05, "{mean}");
        }
        let mut places: Vec<usize> = (0..100).collect();
        dice.shuffle(&mut places);
        assert!(!places.is_sorted());
        places.sort_unstable();
        assert!(places.into_iter().eq(0..100));
    }
}
