// The locating job on the wire: a frame goes out (a task names its file), the particles in it come back. What the
// numbers mean: docs/cli.md, "Locating particles"; the method: J. C. Crocker and D. G. Grier, "Methods of digital video
// microscopy for colloidal studies", J. Colloid Interface Sci. 179, 298 (1996), in the form trackpy gave it (0.4 to
// 0.7). Runs in: supervisor (encodes set-ups, checks results), worker (the other way round).
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "base/image.h"
#include "base/result.h"

namespace pairloom::jobs {

constexpr uint32_t kMaxDiameterPx = 255, kMaxSmoothingPx = 4095;

// Same for all frames of a run.
struct LocateSetup {
  uint32_t diameter_px = 0;        // of a particle; odd, 3..kMaxDiameterPx
  double separation_px = 0;        // of two particles, least; 0 = flat peaks are not merged
  double noise_size_px = 1;        // sigma of the Gaussian that takes noise out; 0 = none, less than smoothing_size_px
  uint32_t smoothing_size_px = 0;  // side of the square whose mean is the background; odd, 1..kMaxSmoothingPx
  double threshold = 1;            // what is less above the background counts as none; in gray values
  double percentile = 64;          // peaks are brighter than so many percent of the pixels above the threshold
  double minmass = 0;              // particles have more mass
  double maxsize_px = std::numeric_limits<double>::infinity();  // and a smaller radius of gyration
  uint32_t topn = 0;                                            // only so many of the greatest mass; 0 = all
  uint32_t max_iterations = 10;
  uint32_t channel = 0;  // of a colour image: 0 red, 1 green, 2 blue, 3 alpha
  bool invert = false;   // dark particles on bright ground
  bool preprocess = true;
  bool characterize = true;
  bool digest = false;  // answers say which content they are of: for those who keep them
  uint64_t max_file_bytes = 512ull << 20;
  uint64_t max_pixels = 100'000'000;  // twelve bytes of memory each

  // With the defaults that follow from the diameter: separation d + 1, smoothing size d.
  static LocateSetup for_diameter(uint32_t diameter_px);
};
// kInvalidArgument names the option that cannot be as it is.
Result<> check(const LocateSetup& setup);
std::vector<std::byte> encode(const LocateSetup& setup);
Result<LocateSetup> decode_locate_setup(std::span<const std::byte> bytes);  // checked; kProtocol

// Lengths in pixels from the centre of the first one, brightness in gray values of the frame as stored (inverted, if
// that was asked for). Without `characterize` only y, x and mass are set, the others NaN.
struct Particle {
  double y = 0, x = 0;  // centre of mass
  double mass = 0;      // sum of the band-passed brightness
  double size = 0;      // radius of gyration
  double ecc = 0;       // eccentricity, 0 = round
  double signal = 0;    // brightest pixel, band-passed
  double raw_mass = 0;  // sum of the brightness as it was
  double ep = 0;        // expected error of y and x, from noise and raw_mass; NaN where no background is left
};

// The body of a frame's answer (jobs/file_answer.h).
struct LocateResult {
  uint32_t width_px = 0, height_px = 0;
  uint32_t bits_per_sample = 8;  // that were looked at: 8 or 16
  std::vector<Particle> particles;
  Digest digest{};  // of the file, if the set-up asks for it
};
std::vector<std::byte> encode(const LocateResult& result);
// kProtocol: lengths that do not fit, sizes out of range, particles outside the frame, numbers that no frame has.
Result<LocateResult> decode_locate_result(std::span<const std::byte> bytes);

}  // namespace pairloom::jobs
