#include "cli/daemon_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <fmt/format.h>

#include "base/text.h"
#include "base/version.h"
#include "daemon/run_json.h"

namespace pairloom::cli {
namespace {

// The daemon's own patience for an answer is shorter, so that it can say what is wrong.
constexpr int kAnswerMs = 150'000;
constexpr size_t kMaxLineBytes = 16 << 20;

tl::unexpected<Error> cannot_reach(const std::string& socket, int errnum) {
  const std::string shown = escape_for_terminal(socket);
  if (errnum == ENOENT || errnum == ECONNREFUSED)
    return fail(Errc::kIndexLocked, fmt::format("no daemon listens at '{}'; is pairloomd running?", shown));
  if (errnum == EACCES)
    return fail(Errc::kIndexLocked,
                fmt::format("not allowed to talk to the daemon at '{}'; become a member of the socket's group", shown));
  return fail(Errc::kIndexLocked,
              fmt::format("cannot talk to the daemon at '{}': {}", shown, std::generic_category().message(errnum)));
}

Result<Fd> connect_to(const std::string& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.size() >= sizeof address.sun_path)
    return fail(Errc::kInvalidArgument, "the socket's path is too long: '" + escape_for_terminal(socket) + "'");
  std::memcpy(address.sun_path, socket.c_str(), socket.size() + 1);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("cannot make a socket", errno);
  while (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    if (errno != EINTR) return cannot_reach(socket, errno);
  return fd;
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::strchr("-_.~/", c) != nullptr;
    out += plain && c != 0 ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

// A list as the same key again and again. The daemon reads numbers and flags out of their text.
std::string query_of(const Json& arguments) {
  std::string query;
  const auto add = [&query](const std::string& key, const Json& value) {
    const std::string text = value.is_string() || value.is_object() ? path_from_json(value) : value.dump();
    query += fmt::format("{}{}={}", query.empty() ? "?" : "&", percent_encoded(key), percent_encoded(text));
  };
  for (const auto& [key, value] : arguments.items()) {
    if (value.is_null()) continue;
    if (!value.is_array())
      add(key, value);
    else
      for (const Json& item : value) add(key, item);
  }
  return query;
}

// The request is sent as far as the daemon takes it: one that refuses a body answers before it has read it.
void send_request(const Fd& fd, const DaemonRequest& request) {
  const std::string document = request.data == nullptr ? json_line(request.arguments) : "";
  const std::string& body = request.data == nullptr ? document : *request.data;
  std::string head =
      fmt::format("{} {}{} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: pairloom/{}\r\nConnection: close\r\n",
                  request.method, request.path, request.data == nullptr ? "" : query_of(request.arguments), kVersion);
  if (request.method != "GET")
    head += fmt::format("Content-Type: {}\r\nContent-Length: {}\r\n",
                        request.data == nullptr ? "application/json" : "application/octet-stream", body.size());
  head += "\r\n";
  for (std::string_view rest : {std::string_view(head), request.method == "GET" ? std::string_view() : body}) {
    while (!rest.empty()) {
      const ssize_t sent = ::send(fd.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0) return;
      rest.remove_prefix(static_cast<size_t>(sent));
    }
  }
}

Error refusal(const std::string& socket, int status, const std::string& body) {
  const auto document = parse_object(body);
  if (document && document->contains("code")) {
    if (status != 404) return daemon::error_from_json(*document);
    return {Errc::kIndexLocked,
            fmt::format("the daemon at '{}' is of another version and cannot do that", escape_for_terminal(socket))};
  }
  return {Errc::kIndexLocked,
          fmt::format("what answers at '{}' is no pairloomd (HTTP status {})", escape_for_terminal(socket), status)};
}

// Reads an answer; `body` gets its bytes and is looked at after each piece.
class Conversation {
 public:
  Conversation(const std::string& socket, Fd fd) : socket_(socket), fd_(std::move(fd)) {}

  Result<> read_all(std::string& body, int stop_fd, const std::function<bool()>& stop,
                    const std::function<Result<>()>& after_piece) {
    while (!reader_.complete()) {
      pollfd wanted[2] = {{fd_.get(), POLLIN, 0}, {stop_fd, POLLIN, 0}};
      const int ready = ::poll(wanted, 2, stop_fd < 0 ? kAnswerMs : -1);
      if (ready < 0 && errno == EINTR) continue;
      if (ready < 0) return cannot_reach(socket_, errno);
      if (ready == 0) return fail(Errc::kIndexLocked, "the daemon does not answer; see its log");
      if (wanted[1].revents != 0 && stop()) return fail(Errc::kInterrupted, "interrupted; the daemon stops the run");
      if (wanted[0].revents == 0) continue;
      const ssize_t got = ::recv(fd_.get(), piece_.data(), piece_.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) reader_.end_of_input();
      if (got <= 0 && !reader_.complete())
        return fail(Errc::kIndexLocked, "the daemon's answer was cut off; it may have been restarted. Ask again");
      if (got > 0) PAIRLOOM_TRY(reader_.feed({piece_.data(), static_cast<size_t>(got)}, body));
      PAIRLOOM_TRY(after_piece());
    }
    return {};
  }
  int status() const { return reader_.status(); }

 private:
  const std::string& socket_;
  Fd fd_;
  ResponseReader reader_;
  std::array<char, 65536> piece_;
};

}  // namespace

Result<Json> DaemonClient::ask(const DaemonRequest& request) const {
  PAIRLOOM_ASSIGN(Fd fd, connect_to(socket_));
  send_request(fd, request);
  Conversation conversation(socket_, std::move(fd));
  std::string body;
  PAIRLOOM_TRY(conversation.read_all(body, -1, nullptr, [] { return Result<>{}; }));
  if (conversation.status() != 200) return tl::unexpected<Error>(refusal(socket_, conversation.status(), body));
  auto document = parse_object(body);
  if (!document) return tl::unexpected<Error>(refusal(socket_, 200, body));
  return document;
}

Result<> DaemonClient::ask(const DaemonRequest& request, const std::function<Result<>(const Json&)>& line, int stop_fd,
                           const std::function<bool()>& stop) const {
  PAIRLOOM_ASSIGN(Fd fd, connect_to(socket_));
  send_request(fd, request);
  Conversation conversation(socket_, std::move(fd));
  std::string body;
  const auto take_lines = [&]() -> Result<> {
    if (conversation.status() != 200) return {};
    size_t begin = 0;
    for (size_t end; (end = body.find('\n', begin)) != std::string::npos; begin = end + 1) {
      const auto record = parse_object(std::string_view(body).substr(begin, end - begin));
      if (!record) return fail(Errc::kProtocol, "the daemon's answer is malformed: " + record.error().message);
      PAIRLOOM_TRY(line(*record));
    }
    body.erase(0, begin);
    if (body.size() > kMaxLineBytes) return fail(Errc::kProtocol, "the daemon's answer is malformed: an endless line");
    return {};
  };
  PAIRLOOM_TRY(conversation.read_all(body, stop_fd, stop, take_lines));
  if (conversation.status() != 200) return tl::unexpected<Error>(refusal(socket_, conversation.status(), body));
  return {};
}

Result<> ResponseReader::begin_body() {
  if (status_ < 200) {  // 100 Continue: the real one follows
    status_ = 0;
    return {};
  }
  state_ = chunked_ ? State::kChunkSize : sized_ ? State::kSized : State::kUntilEnd;
  if (state_ == State::kSized && left_ == 0) state_ = State::kDone;
  return {};
}

Result<> ResponseReader::take_line(std::string_view line) {
  const auto malformed = [] { return fail(Errc::kProtocol, "the daemon's answer is no HTTP"); };
  const auto number = [](std::string_view text, auto& into, int base) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into, base);
    return error == std::errc() && end != text.data();
  };
  if (state_ == State::kChunkSize) {
    if (!number(line, left_, 16)) return malformed();
    state_ = left_ == 0 ? State::kTrailer : State::kChunk;
    return {};
  }
  if (state_ == State::kChunkEnd || state_ == State::kTrailer) {
    if (line.empty()) state_ = state_ == State::kTrailer ? State::kDone : State::kChunkSize;
    return state_ == State::kChunkEnd ? Result<>(malformed()) : Result<>();
  }
  if (status_ == 0) {
    if (!line.starts_with("HTTP/1.") || line.size() < 12 || !number(line.substr(9, 3), status_, 10)) return malformed();
    return {};
  }
  if (line.empty()) return begin_body();
  std::string field(line);
  std::transform(field.begin(), field.end(), field.begin(), [](unsigned char c) { return std::tolower(c); });
  if (field.starts_with("content-length:")) {
    const size_t at = field.find_first_not_of(' ', 15);
    if (at == std::string::npos || !number(std::string_view(field).substr(at), left_, 10)) return malformed();
    sized_ = true;
  }
  chunked_ = chunked_ || (field.starts_with("transfer-encoding:") && field.find("chunked") != std::string::npos);
  return {};
}

Result<> ResponseReader::feed(std::string_view bytes, std::string& body) {
  while (!bytes.empty() && state_ != State::kDone) {
    if (state_ == State::kUntilEnd) {
      body += bytes;
      return {};
    }
    if (state_ == State::kSized || state_ == State::kChunk) {
      const size_t taken = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size()));
      body += bytes.substr(0, taken);
      bytes.remove_prefix(taken);
      left_ -= taken;
      if (left_ == 0) state_ = state_ == State::kSized ? State::kDone : State::kChunkEnd;
      continue;
    }
    const size_t end = bytes.find('\n');
    line_ += bytes.substr(0, end);
    if (line_.size() > 65536) return fail(Errc::kProtocol, "the daemon's answer is no HTTP");
    if (end == std::string_view::npos) return {};
    bytes.remove_prefix(end + 1);
    if (line_.ends_with('\r')) line_.pop_back();
    PAIRLOOM_TRY(take_line(line_));
    line_.clear();
  }
  return {};
}

}  // namespace pairloom::cli
