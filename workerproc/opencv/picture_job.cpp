#include "workerproc/opencv/picture_job.h"

#include <new>
#include <string>

#include <opencv2/core.hpp>

#include "jobs/file_answer.h"

namespace pairloom::workerproc {

Result<> PictureJob::run(const shm::TaskView&, TaskContext& context) {
  PAIRLOOM_ASSIGN(const FileContents file, reader_.read(context));
  if (file.outcome != Outcome::kIndexed)
    return context.send_in_parts(jobs::encode(jobs::FileAnswer{file.outcome, file.message, {}}));
  auto body = body_of(file, context);
  if (!body && body.error().code == Errc::kProtocol) return tl::unexpected(std::move(body.error()));
  return context.send_in_parts(
      jobs::encode(body ? jobs::FileAnswer{Outcome::kIndexed, picture_.warning, std::move(*body)}
                        : jobs::FileAnswer{outcome_of(body.error().code), std::move(body.error().message), {}}));
}

Result<std::vector<std::byte>> PictureJob::body_of(const FileContents& file, TaskContext& context) {
  DecodeRequest request;
  request.layout = PixelLayout::kBgr;
  request.min_short_side_px = 0;
  request.max_pixels = max_pixels_;
  try {
    PAIRLOOM_TRY(context.timed(shm::Stage::kDecode, [&] { return decode(file.bytes, request, picture_); }));
    return body(file, picture_, context);
  } catch (const std::bad_alloc&) {
    return fail(Errc::kTooLarge, "not enough memory for this picture");
  } catch (const cv::Exception& error) {
    if (error.code == cv::Error::StsNoMem) return fail(Errc::kTooLarge, "not enough memory for this picture");
    return fail(Errc::kUnsupported, error.what());
  }
}

}  // namespace pairloom::workerproc
