// The codecs' libraries behind HEIC and AVIF: one coded picture -> planes. Without threads: workers are one per core.
// Runs in: worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "workerproc/decode/yuv.h"

namespace pairloom::workerproc {

struct CodedPictureLimits {
  uint32_t width = 0, height = 0;  // what the container claims; a picture that turns out larger is refused
  // Without deblocking and what else smooths a finished picture: for those who only want means of many pixels. Exact
  // otherwise, as no pixel of a still picture is predicted from a smoothed one.
  bool unfiltered = false;
};

struct CodedPicture {
  YuvPlanes planes;
  std::shared_ptr<const void> owner;  // of the planes
  std::string warning;                // the decoder went on, but ...
};

// HEVC by libde265: `config` is the body of an hvcC box, `data` has lengths before its units. AV1 by dav1d: a sequence
// of OBUs. Errors: kCorrupt, kTooLarge, kUnsupported.
Result<CodedPicture> decode_hevc(std::span<const std::byte> config, std::span<const std::byte> data,
                                 const CodedPictureLimits& limits);
Result<CodedPicture> decode_av1(std::span<const std::byte> config, std::span<const std::byte> data,
                                const CodedPictureLimits& limits);

std::string hevc_library();
std::string av1_library();

}  // namespace pairloom::workerproc
