// StripEncoder: rows of the output picture -> the bytes that stand for them in the file. A PNG is compressed in strips
// that know nothing of each other, so that many workers can write one picture: each strip is a run of whole deflate
// blocks up to a byte boundary, in an IDAT chunk of its own. What stands around the strips: daemon/picture_frame.h.
// Runs in: worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "jobs/transform_job.h"

namespace pairloom::workerproc {

class StripEncoder {
 public:
  virtual ~StripEncoder() = default;
  // Appends the bytes of a strip: whole rows, tightly packed, from the top.
  virtual Result<> encode(std::span<const uint8_t> rows, std::vector<std::byte>& out) = 0;
  // Adler-32 of what went into the compressor since the last call; 0 for formats without.
  virtual uint32_t take_adler32() { return 0; }
};

// kTooLarge when there is no memory for a compressor.
Result<std::unique_ptr<StripEncoder>> make_strip_encoder(const jobs::TransformSetup& setup);

}  // namespace pairloom::workerproc
