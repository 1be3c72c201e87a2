//! Baidu's own map projection, back to BD-09 degrees. It has no public specification; the coefficients are those that Baidu's map
//! script carries and that gcoord 1.0.7 publishes: a polynomial for each of six bands of latitude.

use super::Degrees;

/// The lower end of each band, in metres north of the equator; the highest first.
const BANDS_M: [f64; 6] = [12_890_594.86, 8_362_377.87, 5_591_021.0, 3_481_989.83, 1_678_043.12, 0.0];

/// For each band: the longitude's line, the latitude's polynomial of degree six, and the length that its variable is measured in.
const TO_DEGREES: [[f64; 10]; 6] = [
    [
        1.410_526_172_116_255e-8,
        8.983_055_096_488_72e-6,
        -1.993_983_381_633_1,
        200.982_438_310_679_6,
        -187.240_370_381_554_7,
        91.608_751_666_984_3,
        -23.387_656_496_033_39,
        2.571_213_172_961_98,
        -0.038_010_033_086_53,
        17_337_981.2,
    ],
    [
        -7.435_856_389_565_537e-9,
        8.983_055_097_726_239e-6,
        -0.786_252_018_862_89,
        96.326_875_997_598_46,
        -1.852_047_575_298_26,
        -59.369_359_054_858_77,
        47.400_335_492_967_37,
        -16.507_419_310_638_87,
        2.287_866_746_993_75,
        10_260_144.86,
    ],
    [
        -3.030_883_460_898_826e-8,
        8.983_055_099_835_78e-6,
        0.300_713_162_876_16,
        59.742_936_184_422_77,
        7.357_984_074_871,
        -25.383_710_026_647_45,
        13.453_805_211_109_08,
        -3.298_837_672_355_84,
        0.327_109_053_634_75,
        6_856_817.37,
    ],
    [
        -1.981_981_304_930_552e-8,
        8.983_055_099_779_535e-6,
        0.032_781_828_525_91,
        40.316_785_277_057_44,
        0.656_592_986_772_77,
        -4.442_555_344_774_92,
        0.853_419_118_052_63,
        0.129_233_479_982_04,
        -0.046_257_360_075_61,
        4_482_777.06,
    ],
    [
        3.091_913_710_684_37e-9,
        8.983_055_096_812_155e-6,
        0.000_069_957_240_62,
        23.109_343_041_449_01,
        -0.000_236_634_905_11,
        -0.632_181_781_024_2,
        -0.006_634_944_672_73,
        0.034_300_823_979_53,
        -0.004_660_438_763_32,
        2_555_164.4,
    ],
    [
        2.890_871_144_776_878e-9,
        8.983_055_095_805_407e-6,
        -0.000_000_030_682_98,
        7.471_370_254_680_32,
        -0.000_003_539_379_94,
        -0.021_451_448_610_37,
        -0.000_012_344_265_96,
        0.000_103_229_527_73,
        -0.000_003_238_903_64,
        826_088.5,
    ],
];

/// The BD-09 degrees of a point of Baidu's map, in metres east of Greenwich and north of the equator.
pub(super) fn to_degrees(east_m: f64, north_m: f64) -> Degrees {
    let band = BANDS_M.iter().position(|it| north_m.abs() >= *it);
    let [a, b, polynomial @ .., unit_m] = band.and_then(|it| TO_DEGREES.get(it)).unwrap_or(&TO_DEGREES[5]);
    let y = north_m.abs() / unit_m;
    let lat = polynomial.iter().rev().fold(0.0, |sum, it| sum * y + it);
    Degrees { lat: lat.copysign(north_m), lng: (a + b * east_m.abs()).copysign(east_m) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_points_come_back() {
        // From the cities that gcoord 1.0.7 is tested with: BD-09 in metres and in degrees.
        for (east_m, north_m, lng, lat) in [
            (12_693_763.634, 3_874_151.929, 114.028_778_1, 33.017_669_7),
            (12_747_479.603, 4_423_799.762, 114.511_311_6, 37.076_679_7),
            (10_247_925.918, 3_673_043.553, 92.057_683_2, 31.482_442_1),
            (13_100_585.696, 4_305_395.881, 117.683_283_1, 36.219_586_7),
        ] {
            let found = to_degrees(east_m, north_m);
            assert!((found.lat - lat).abs() < 1e-6 && (found.lng - lng).abs() < 1e-6, "{found:?}");
        }
    }
}
