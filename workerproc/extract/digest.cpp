#include "workerproc/extract/digest.h"

#include <xxhash.h>

namespace pairloom::workerproc {

Digest digest_of(std::span<const std::byte> file_bytes) {
  const XXH128_hash_t digest = XXH3_128bits(file_bytes.data(), file_bytes.size());
  return {digest.low64, digest.high64};
}

}  // namespace pairloom::workerproc
