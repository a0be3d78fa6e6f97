// FileAnswer: what a worker says about one file in the jobs that take a file a task (daemon/file_job.h): what became of
// it, and a body that only the job understands. Its bytes may be cut into several result records; joined in order they
// are one answer. Runs in: supervisor (decodes), worker (encodes).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/image.h"
#include "base/result.h"

namespace pairloom::jobs {

struct FileAnswer {
  Outcome outcome = Outcome::kUnreadable;  // kIndexed: done, the body holds the result
  std::string message;                     // reason of a failure, or the decoder's first warning; at most 500 bytes
  std::vector<std::byte> body;             // empty unless done
};
std::vector<std::byte> encode(const FileAnswer& answer);
// kProtocol: too short, no outcome, a message or a body where none may be. The body is not looked into.
Result<FileAnswer> decode_file_answer(std::span<const std::byte> bytes);

}  // namespace pairloom::jobs
