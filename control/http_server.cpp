#include "control/http_server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/version.h"
#include "control/open_metrics.h"

namespace pairloom::control {
namespace {

// A supervisor that is stopped or hangs must not hold clients for ever. Long answers begin at once; only questions
// that wait their turn take longer.
constexpr int kAnswerBeginsMs = 120'000;
constexpr size_t kPieceBytes = 64 * 1024;
// What a message between the processes has room for, beside the rest of the envelope.
constexpr uint64_t kInlineArgumentsBytes = 32 * 1024;

int64_t now_ms() {
  return system_clock().monotonic_ns() / 1'000'000;
}

std::string error_document(std::string_view code, std::string_view message) {
  return json_line({{"type", "error"}, {"code", code}, {"message", message}});
}

void refuse(httplib::Response& response, int status, std::string_view code, std::string_view message) {
  response.status = status;
  response.set_content(error_document(code, message), "application/json");
}

void refuse(httplib::Response& response, const Error& error) {
  switch (error.code) {
    case Errc::kInvalidArgument:
      return refuse(response, 400, "invalid_argument", error.message);
    case Errc::kTooLarge:
      return refuse(response, 413, "too_large", error.message);
    case Errc::kIndexLocked:
      return refuse(response, 503, "index_locked", error.message);
    case Errc::kInterrupted:
      return refuse(response, 408, "interrupted", error.message);
    default:
      return refuse(response, 500, "io", error.message);
  }
}

// For clients that httplib does not get to see.
std::string bare_response(int status, std::string_view reason, std::string_view code, std::string_view message) {
  const std::string body = error_document(code, message);
  return fmt::format(
      "HTTP/1.1 {} {}\r\nServer: pairloom/{}\r\nConnection: close\r\nContent-Type: application/json\r\n"
      "Content-Length: {}\r\n\r\n{}",
      status, reason, kVersion, body.size(), body);
}

// A parameter of the query string that is given again and again is a list.
void add_parameter(Json& arguments, const std::string& key, const std::string& value) {
  const Json item = is_valid_utf8(value) ? Json(value) : json_path(value);
  const auto known = arguments.find(key);
  if (known == arguments.end())
    arguments[key] = item;
  else if (known->is_array())
    known->push_back(item);
  else
    *known = Json::array({*known, item});
}

bool has_body(const httplib::Request& request) {
  return request.has_header("Transfer-Encoding") ||
         (request.has_header("Content-Length") && request.get_header_value("Content-Length") != "0");
}

}  // namespace

struct HttpServer::Connection {
  Peer peer;
  ClientStream stream;
};
thread_local HttpServer::Connection* HttpServer::current_ = nullptr;

struct HttpServer::Route {
  enum class Method { kGet, kPost, kDelete } method;
  const char* path;
  const char* operation;      // of daemon/control_requests.cpp
  bool takes_data = false;    // a body that is not JSON is not arguments
  bool is_patient = false;    // the answer takes as long as it takes
  bool is_metrics = false;
};
const HttpServer::Route HttpServer::kRoutes[] = {
    {Route::Method::kGet, "/v1/status", "status"},
    {Route::Method::kGet, "/metrics", "status", false, false, true},
    {Route::Method::kGet, "/v1/failures", "failures"},
    {Route::Method::kGet, "/v1/watch", "watch_list"},
    {Route::Method::kPost, "/v1/watch", "watch_add"},
    {Route::Method::kDelete, "/v1/watch", "watch_remove"},
    {Route::Method::kPost, "/v1/rescan", "rescan"},
    {Route::Method::kPost, "/v1/pause", "pause"},
    {Route::Method::kPost, "/v1/resume", "resume"},
    {Route::Method::kPost, "/v1/reload", "reload"},
    {Route::Method::kPost, "/v1/index", "index", true, true},
    {Route::Method::kPost, "/v1/stop", "stop"},
    {Route::Method::kPost, "/v1/match", "match", true},
};

HttpServer::HttpServer(Exchange& exchange, const ClientLimits& client, const ConnectionLimits& connections)
    : exchange_(exchange), client_limits_(client), connection_limits_(connections) {
  set_payload_max_length(kMaxBodyBytes);
  set_default_headers({{"Server", fmt::format("pairloom/{}", kVersion)}, {"Cache-Control", "no-store"}});
  set_error_handler([](const httplib::Request& request, httplib::Response& response) {
    if (!response.body.empty()) return;
    if (response.status == 404)
      refuse(response, 404, "invalid_argument",
             fmt::format("there is no {} {} here", escape_for_terminal(request.method.substr(0, 20)),
                         escape_for_terminal(request.path.substr(0, 200))));
    else
      refuse(response, response.status, "invalid_argument", "that is no request that is understood here");
  });
  set_exception_handler([](const httplib::Request&, httplib::Response& response, std::exception_ptr) {
    refuse(response, 500, "io", "the request could not be handled");
  });
  add_routes();
}

void HttpServer::add_routes() {
  for (const Route& route : kRoutes) {
    const auto without_body = [this, &route](const httplib::Request& request, httplib::Response& response) {
      handle(route, request, response, nullptr);
    };
    const auto with_body = [this, &route](const httplib::Request& request, httplib::Response& response,
                                          const httplib::ContentReader& body) {
      handle(route, request, response, &body);
    };
    if (route.method == Route::Method::kGet) Get(route.path, without_body);
    if (route.method == Route::Method::kPost) Post(route.path, with_body);
    if (route.method == Route::Method::kDelete) Delete(route.path, with_body);
  }
}

Error HttpServer::serve(const Fd& listening) {
  svr_sock_ = listening.get();  // httplib stops answering when it is not set
  while (true) {
    pollfd waiting{listening.get(), POLLIN, 0};
    if (::poll(&waiting, 1, -1) < 0 && errno != EINTR) return Error{Errc::kIo, "cannot wait for clients"};
    Fd socket(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (socket)
      accept_one(std::move(socket));
    else if (errno != EINTR && errno != EAGAIN && errno != ECONNABORTED)
      return fail_errno("cannot accept clients", errno).value();
  }
}

void HttpServer::accept_one(Fd socket) {
  const auto turn_away = [](const Fd& from, std::string_view why) {
    const std::string said = bare_response(503, "Service Unavailable", "index_locked", why);
    [[maybe_unused]] const ssize_t sent = ::send(from.get(), said.data(), said.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  };
  auto peer = peer_of(socket.get());
  if (!peer) return;
  const uid_t uid = peer->uid;
  {
    const std::lock_guard lock(mutex_);
    if (connections_ >= connection_limits_.connections ||
        connections_of_[uid] >= connection_limits_.connections_of_a_user)
      return turn_away(socket, "too many connections; try again");
    ++connections_;
    ++connections_of_[uid];
  }
  const auto leave = [this, uid] {
    const std::lock_guard lock(mutex_);
    --connections_;
    if (--connections_of_[uid] == 0) connections_of_.erase(uid);
  };
  try {
    // The descriptor is handed over as a number: a thread that is not started must leave us its owner.
    std::thread([this, leave, who = *peer, fd = socket.get()] {
      {
        Connection connection{who, ClientStream(Fd(fd), client_limits_)};
        talk(connection);
      }
      leave();
    }).detach();
    [[maybe_unused]] const int theirs = socket.release();
  } catch (const std::system_error&) {
    leave();
    turn_away(socket, "too many connections; try again");
  }
}

void HttpServer::talk(Connection& connection) {
  if (const auto head = connection.stream.read_head(); !head) {
    if (head.error().code == Errc::kInterrupted) return;
    const std::string said = bare_response(400, "Bad Request", "invalid_argument", head.error().message);
    connection.stream.write(said.data(), said.size());
    return;
  }
  current_ = &connection;
  bool closed = false;
  process_request(connection.stream, true, closed, nullptr);
  current_ = nullptr;
}

Result<Upload> HttpServer::receive_body(const httplib::Request& request, const httplib::ContentReader* reader) {
  if (reader == nullptr || !has_body(request)) return Upload();
  if (request.is_multipart_form_data())
    return fail(Errc::kInvalidArgument, "send the body as it is (curl --data-binary @FILE), not as a form");
  if (std::strtoull(request.get_header_value("Content-Length").c_str(), nullptr, 10) > kMaxBodyBytes)
    return fail(Errc::kTooLarge, fmt::format("a body of more than {} bytes", kMaxBodyBytes));
  return Upload::receive(*reader);
}

void HttpServer::handle(const Route& route, const httplib::Request& request, httplib::Response& response,
                        const httplib::ContentReader* reader) {
  const auto body = receive_body(request, reader);
  if (!body) return refuse(response, body.error());

  Json arguments = Json::object();
  for (const auto& [key, value] : request.params) add_parameter(arguments, key, value);
  const bool is_data = route.takes_data && !request.get_header_value("Content-Type").starts_with("application/json");
  const bool is_long = body->bytes() > kInlineArgumentsBytes;
  if (body->file() && !is_data && !is_long) {
    const auto text = body->text();
    auto parsed = text ? parse_object(*text) : tl::unexpected<Error>(text.error());
    if (!parsed) return refuse(response, parsed.error());
    arguments = std::move(*parsed);
  }

  const Peer& peer = current_->peer;
  const Json envelope = {
      {"operation", route.operation},
      {"peer", {{"uid", peer.uid}, {"gid", peer.gid}, {"pid", peer.pid}, {"groups", peer.groups}}},
      {"arguments", std::move(arguments)},
      {"arguments_in_body", body->file() && !is_data && is_long}};
  static const Fd none;
  const auto answer = exchange_.ask(envelope, is_data || is_long ? body->file() : none);
  if (!answer) return refuse(response, answer.error());
  pass_on(*answer, route, request.version != "HTTP/1.0", response);
}

namespace {

// False when the client left, or `deadline_ms` (negative: none) passed.
bool wait_for(int event, const ClientStream& client, int64_t deadline_ms) {
  while (true) {
    const int64_t left_ms = deadline_ms < 0 ? -1 : std::max<int64_t>(0, deadline_ms - now_ms());
    pollfd wanted[2] = {{event, POLLIN, 0}, {client.socket(), 0, 0}};
    const int ready = ::poll(wanted, 2, static_cast<int>(left_ms));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0 || (wanted[1].revents & (POLLHUP | POLLERR)) != 0) return false;
    return true;
  }
}

// The body of a streamed answer: first what a descriptor yields, then what the supervisor sends.
class Streaming {
 public:
  Streaming(Exchange& exchange, std::shared_ptr<Answer> answer, Fd source, ClientStream& client)
      : exchange_(exchange), answer_(std::move(answer)), source_(std::move(source)), client_(client) {}
  ~Streaming() { exchange_.forget(*answer_); }

  // One step of httplib's content provider. False: the answer cannot be completed.
  bool step(httplib::DataSink& sink) {
    std::string piece;
    if (source_) {
      if (!wait_for(source_.get(), client_, -1)) return false;
      piece.resize(kPieceBytes);
      const ssize_t got = ::read(source_.get(), piece.data(), piece.size());
      if (got < 0) return errno == EINTR || errno == EAGAIN;
      if (got == 0) source_.reset();
      return got == 0 || sink.write(piece.data(), static_cast<size_t>(got));
    }
    if (!wait_for(answer_->event_fd(), client_, -1)) return false;
    const bool complete = answer_->take_body(piece);
    if (!piece.empty() && !sink.write(piece.data(), piece.size())) return false;
    if (complete) sink.done();
    return true;
  }

 private:
  Exchange& exchange_;
  std::shared_ptr<Answer> answer_;
  Fd source_;
  ClientStream& client_;
};

}  // namespace

void HttpServer::pass_on(const std::shared_ptr<Answer>& answer, const Route& route, bool chunked,
                         httplib::Response& response) {
  ClientStream& client = current_->stream;
  const auto give_up = [&](std::string_view why) {
    exchange_.forget(*answer);
    refuse(response, 504, "io", why);
  };
  const int64_t deadline_ms = now_ms() + kAnswerBeginsMs;
  std::optional<Answer::Head> head;
  while (!(head = answer->take_head()))
    if (!wait_for(answer->event_fd(), client, deadline_ms)) return give_up("the daemon does not answer; see its log");
  response.status = head->status;

  if (head->type != "application/json") {
    if (route.is_patient) client.be_patient();
    const auto streaming = std::make_shared<Streaming>(exchange_, answer, std::move(head->body), client);
    const auto step = [streaming](size_t, httplib::DataSink& sink) { return streaming->step(sink); };
    if (chunked)
      response.set_chunked_content_provider(head->type, step);
    else
      response.set_content_provider(head->type, step);
    return;
  }
  std::string document;
  while (!answer->take_body(document))
    if (!wait_for(answer->event_fd(), client, deadline_ms)) return give_up("the daemon stopped answering; see its log");
  if (!route.is_metrics || head->status != 200) return response.set_content(document, "application/json");
  const auto status = parse_object(document);
  if (!status) return refuse(response, 500, "io", "the daemon's status is malformed");
  response.set_content(open_metrics(*status), kOpenMetricsType);
}

}  // namespace pairloom::control
