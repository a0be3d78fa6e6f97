#include "workerproc/locate/locate.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "workerproc/locate/background.h"
#include "workerproc/locate/band_pass.h"
#include "workerproc/locate/close_pairs.h"
#include "workerproc/locate/disk.h"
#include "workerproc/locate/local_maxima.h"
#include "workerproc/locate/refine.h"

namespace pairloom::workerproc {
namespace {

// Scratch memory is kept from frame to frame; what a giant left is given back when a smaller one comes.
constexpr size_t kKeepPixels = 8u << 20;

// Maxima nearer to the border are not looked at: the disk would not fit, a neighbour might be missing, the mean is made
// up of repeated pixels.
uint32_t margin_px(const jobs::LocateSetup& setup) {
  const double for_neighbours = std::floor(setup.separation_px / 2) - 1;
  return std::max(
      {setup.diameter_px / 2, static_cast<uint32_t>(std::max(for_neighbours, 0.0)), setup.smoothing_size_px / 2});
}

// What is different for frames of 8 and of 16 bits.
template <class Sample>
struct Steps {
  explicit Steps(const jobs::LocateSetup& setup)
      : band_pass(setup.noise_size_px, setup.smoothing_size_px, setup.threshold),
        local_maxima(setup.separation_px, setup.percentile, margin_px(setup)) {}

  // The frame as it is analysed: a copy, inverted if asked for.
  Frame<Sample> take(const Picture& picture, bool invert) {
    const size_t width = picture.width_px;
    const size_t pixels = width * picture.height_px;
    if (raw.size() > kKeepPixels && pixels <= kKeepPixels) give_memory_back();
    raw.resize(pixels);
    for (size_t y = 0; y < picture.height_px; ++y)
      std::memcpy(raw.data() + y * width, picture.pixels.data() + y * picture.stride_bytes, width * sizeof(Sample));
    if (invert)
      for (Sample& sample : raw) sample = static_cast<Sample>(~sample);
    return {raw.data(), picture.width_px, picture.height_px};
  }
  void give_memory_back() {
    std::vector<Sample>().swap(raw);
    std::vector<Sample>().swap(image);
    band_pass.give_memory_back();
    local_maxima.give_memory_back();
  }

  BandPass<Sample> band_pass;
  LocalMaxima<Sample> local_maxima;
  std::vector<Sample> raw, image;
};

// Only the `count` of the greatest mass, the lightest first; of equal ones those that come first.
void keep_heaviest(std::vector<jobs::Particle>& particles, size_t count) {
  if (particles.size() <= count) return;
  std::stable_sort(particles.begin(), particles.end(), [](const auto& a, const auto& b) { return a.mass > b.mass; });
  particles.resize(count);
  std::reverse(particles.begin(), particles.end());
}

}  // namespace

struct Locator::State {
  explicit State(const jobs::LocateSetup& s)
      : setup(s),
        disk(s.diameter_px / 2),
        bytes(s),
        words(s),
        refiner(disk, s.max_iterations, s.characterize || std::isfinite(s.maxsize_px)),
        close_pairs(s.separation_px),
        background(disk) {}

  template <class Sample>
  void locate(Steps<Sample>& steps, const Picture& picture, std::vector<jobs::Particle>& particles);
  void keep_wanted(std::vector<jobs::Particle>& particles) const;
  void set_expected_errors(const BackgroundLevel& level, std::vector<jobs::Particle>& particles) const;

  const jobs::LocateSetup setup;
  const Disk disk;
  Steps<uint8_t> bytes;
  Steps<uint16_t> words;
  Refiner refiner;
  ClosePairs close_pairs;
  Background background;
  std::vector<PixelAt> maxima;
};

template <class Sample>
void Locator::State::locate(Steps<Sample>& steps, const Picture& picture, std::vector<jobs::Particle>& particles) {
  const Frame<Sample> raw = steps.take(picture, setup.invert);
  Frame<Sample> image = raw;
  double factor = 1;
  if (setup.preprocess) {
    steps.image.resize(raw.pixel_count());
    factor = steps.band_pass.run(raw, steps.image.data());
    image.pixels = steps.image.data();
  }
  steps.local_maxima.find(image, maxima);
  refiner.refine(raw, image, maxima, particles);
  close_pairs.drop_lighter(particles, image.width_px, image.height_px);
  for (jobs::Particle& particle : particles) {
    particle.mass /= factor;
    particle.signal /= factor;
  }
  keep_wanted(particles);
  if (setup.characterize) set_expected_errors(background.measure(raw, image), particles);
}

void Locator::State::keep_wanted(std::vector<jobs::Particle>& particles) const {
  std::erase_if(particles, [this](const jobs::Particle& particle) {
    const bool small = std::isinf(setup.maxsize_px) || particle.size < setup.maxsize_px;
    return !(particle.mass > setup.minmass && small);
  });
  if (setup.topn > 0) keep_heaviest(particles, setup.topn);
}

// T. Savin and P. S. Doyle, "Static and dynamic errors in particle tracking microrheology", Biophys. J. 88, 623 (2005),
// with sums over the disk instead of integrals, as in trackpy's uncertainty._static_error.
void Locator::State::set_expected_errors(const BackgroundLevel& level, std::vector<jobs::Particle>& particles) const {
  const double spread = setup.noise_size_px * std::sqrt(static_cast<double>(disk.sum_of_squares()));
  for (jobs::Particle& particle : particles)
    particle.ep = level.deviation / (particle.raw_mass - disk.pixel_count() * level.mean) * spread;
}

Locator::Locator(const jobs::LocateSetup& setup) : state_(std::make_unique<State>(setup)) {}
Locator::~Locator() = default;

void Locator::locate(const Picture& picture, std::vector<jobs::Particle>& particles) {
  if (picture.bits_per_sample == 16)
    state_->locate(state_->words, picture, particles);
  else
    state_->locate(state_->bytes, picture, particles);
}

}  // namespace pairloom::workerproc
