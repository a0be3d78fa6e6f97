// Frames of particles, drawn in whole numbers alone, so that other programs can draw the same. Runs in: tests, benchmarks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pairloom::test {

// The same on every machine and in every language: a hash of a place and a seed.
uint32_t grain_at(uint32_t x, uint32_t y, uint32_t seed);

struct FrameOfParticles {
  uint32_t seed = 0, width = 0, height = 0, particles = 0;
  int64_t radius = 0, peak = 0, grain = 0, ground = 0;  // ground grows towards the lower right corner, to its double
};
template <class Sample>
std::vector<Sample> draw_frame(const FrameOfParticles& what);

// As a PGM file of 8 bits.
std::string pgm_of(const std::vector<uint8_t>& pixels, uint32_t width, uint32_t height);

}  // namespace pairloom::test
