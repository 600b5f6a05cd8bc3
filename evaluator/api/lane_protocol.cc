#include "evaluator/api/lane_protocol.h"

#include <limits>
#include <utility>

#include "base/fields.h"
#include "base/framing.h"
#include "base/text.h"
#include "evaluator/api/json.h"

namespace passnet::evaluator {
namespace {

constexpr const char* kClient = "the client's message";
constexpr const char* kEvaluator = "the evaluator's message";
constexpr size_t kMaxShownBytes = 120;

Json Typed(std::string_view type) { return {{"type", type}}; }

// Of a type that nobody knows: an error's text has a bound, a frame's text has none.
std::string Shown(std::string_view type) { return Json(OneLine(type, kMaxShownBytes)).Dump(); }

// What the other side says is ours, so a message that cannot be read is a broken channel.
Status ReadHeader(const Json& header, std::string_view who, const VisitFn& visit) {
  FieldReader fields(header, UnknownKeys::kIgnored);
  visit(fields);
  if (auto read = fields.Check(who); !read) return DataCorrupt(read.error().context);
  return OkStatus();
}

Result<std::vector<int64_t>> AnnouncedSizes(const Json& header) {
  std::vector<int64_t> sizes;
  RETURN_IF_ERROR(ReadHeader(header, "message", [&](FieldVisitor& fields) {
    fields.Integers("contents", &sizes, 0, kMaxContentBytes);
  }));
  if (sizes.size() > kMaxContents) {
    return DataCorrupt("the message announces " + std::to_string(sizes.size()) + " contents, the limit is " +
                       std::to_string(kMaxContents));
  }
  int64_t total = 0;
  for (int64_t size : sizes) total += size;
  if (total > kMaxContentBytes) {
    return DataCorrupt("the message announces " + std::to_string(total) + " bytes of contents, the limit is " +
                       std::to_string(kMaxContentBytes));
  }
  return sizes;
}

template <typename Request>
Status SendTyped(int fd, std::string_view type, const Request& request, const std::vector<std::string_view>& contents,
                 Deadline deadline) {
  Json header = Typed(type);
  header.Set("request", ToJsonValue(request));
  return SendMessage(fd, std::move(header), contents, deadline);
}

void VisitError(FieldVisitor& fields, std::string* code, std::string* message) {
  fields.Required("code");
  fields.Text("code", code);
  fields.Required("message");
  fields.Text("message", message);
}

Result<RequestFailed> ReadFailure(const Json& header) {
  std::string code, message;
  RETURN_IF_ERROR(ReadHeader(header, kEvaluator, [&](FieldVisitor& fields) { VisitError(fields, &code, &message); }));
  return RequestFailed{ErrorCodeByName(code), message};
}

Status SendError(int fd, std::string_view type, const Error& error, Deadline deadline) {
  Json header = Typed(type);
  header.Set("code", ErrorCodeName(error.code));
  header.Set("message", error.context);
  return SendMessage(fd, std::move(header), {}, deadline);
}

void VisitProgress(FieldVisitor& fields, ProgressNote& note) {
  fields.Text("what", &note.what);
  VisitInteger(fields, "done", &note.done, 0, std::numeric_limits<int>::max());
  VisitInteger(fields, "total", &note.total, 0, std::numeric_limits<int>::max());
}

// The files of a request have names in the header and bytes behind it.
Result<LaneRequest> WithContents(EvaluateRequest request, std::vector<std::string> contents) {
  if (request.files.size() != contents.size()) {
    return DataCorrupt(std::string(kClient) + " names " + std::to_string(request.files.size()) + " files and brings " +
                       std::to_string(contents.size()));
  }
  for (size_t i = 0; i < contents.size(); ++i) request.files[i].bytes = std::move(contents[i]);
  return LaneRequest(std::move(request));
}

template <typename Request>
Result<LaneRequest> WithoutContents(const Json& json) {
  ASSIGN_OR_RETURN(Request request, FromJsonValue<Request>(json));
  return LaneRequest(std::move(request));
}

}  // namespace

Status SendMessage(int fd, Json header, const std::vector<std::string_view>& contents, Deadline deadline) {
  Json sizes = Json::MakeArray();
  for (std::string_view content : contents) sizes.Push(content.size());
  if (!contents.empty()) header.Set("contents", std::move(sizes));
  if (auto announced = AnnouncedSizes(header); !announced) return InvalidArgument(announced.error().context);
  RETURN_IF_ERROR(WriteFrame(fd, header.Dump(), deadline));
  for (std::string_view content : contents) RETURN_IF_ERROR(WriteFrame(fd, content, deadline));
  return OkStatus();
}

Result<LaneMessage> ReceiveMessage(int fd, Deadline deadline) {
  ASSIGN_OR_RETURN(std::string text, ReadFrame(fd, deadline));
  auto header = ParseJsonObject(text, "message");
  if (!header) return DataCorrupt(header.error().context);
  LaneMessage message{std::move(header).value(), {}};
  ASSIGN_OR_RETURN(std::vector<int64_t> sizes, AnnouncedSizes(message.header));
  for (size_t i = 0; i < sizes.size(); ++i) {
    ASSIGN_OR_RETURN(std::string content, ReadFrame(fd, deadline, static_cast<uint32_t>(sizes[i])));
    if (static_cast<int64_t>(content.size()) != sizes[i]) {
      return DataCorrupt("content " + std::to_string(i) + " of the message has " + std::to_string(content.size()) +
                         " bytes, " + std::to_string(sizes[i]) + " were announced");
    }
    message.contents.push_back(std::move(content));
  }
  return message;
}

Status SendRequest(int fd, const EvaluateRequest& request, Deadline deadline) {
  std::vector<std::string_view> contents;
  for (const CandidateFile& file : request.files) contents.push_back(file.bytes);
  return SendTyped(fd, "Evaluate", request, contents, deadline);
}

Status SendRequest(int fd, const BaselineRequest& request, Deadline deadline) {
  return SendTyped(fd, "Baseline", request, {}, deadline);
}

Status SendRequest(int fd, const DescribeTaskRequest& request, Deadline deadline) {
  return SendTyped(fd, "DescribeTask", request, {}, deadline);
}

Status SendCancel(int fd, Deadline deadline) { return SendMessage(fd, Typed("Cancel"), {}, deadline); }

Result<Greeting> ReceiveGreeting(int fd, Deadline deadline) {
  ASSIGN_OR_RETURN(LaneMessage message, ReceiveMessage(fd, deadline));
  if (message.header["type"].Text() == "Refused") {
    ASSIGN_OR_RETURN(RequestFailed refused, ReadFailure(message.header));
    return Error{refused.code, "the lane cannot start: " + refused.message};
  }
  int protocol = 0;
  RETURN_IF_ERROR(ReadHeader(message.header, kEvaluator, [&](FieldVisitor& fields) {
    fields.Required("protocol");
    VisitInteger(fields, "protocol", &protocol, 0, std::numeric_limits<int>::max());
  }));
  if (protocol != kLaneProtocol) {
    return Error{ErrorCode::kUnavailable, "the lane speaks protocol " + std::to_string(protocol) +
                                              ", this program speaks " + std::to_string(kLaneProtocol)};
  }
  Greeting greeting;
  RETURN_IF_ERROR(ReadHeader(message.header, kEvaluator, [&](FieldVisitor& fields) {
    fields.Text("build", &greeting.build);
    fields.Required("environment");
    fields.TextMap("environment", &greeting.environment);
  }));
  return greeting;
}

Result<LaneReply> ReceiveReply(int fd, Deadline deadline) {
  ASSIGN_OR_RETURN(LaneMessage message, ReceiveMessage(fd, deadline));
  const std::string type = message.header["type"].Text();
  if (type == "Progress") {
    ProgressNote note;
    RETURN_IF_ERROR(ReadHeader(message.header, kEvaluator, [&](FieldVisitor& fields) { VisitProgress(fields, note); }));
    return LaneReply(std::move(note));
  }
  if (type == "Report") return LaneReply(std::move(message.header.Member("report")));
  if (type == "Failed") {
    ASSIGN_OR_RETURN(RequestFailed failed, ReadFailure(message.header));
    return LaneReply(std::move(failed));
  }
  return DataCorrupt(std::string(kEvaluator) + " has the unknown type " + Shown(type));
}

Result<LaneRequest> ReceiveRequest(int fd, Deadline deadline) {
  ASSIGN_OR_RETURN(LaneMessage message, ReceiveMessage(fd, deadline));
  const std::string type = message.header["type"].Text();
  const Json& json = message.header["request"];
  if (type == "Cancel") return LaneRequest(CancelRequest());
  if (type == "Evaluate") {
    ASSIGN_OR_RETURN(EvaluateRequest request, FromJsonValue<EvaluateRequest>(json));
    return WithContents(std::move(request), std::move(message.contents));
  }
  if (type == "Baseline") return WithoutContents<BaselineRequest>(json);
  if (type == "DescribeTask") return WithoutContents<DescribeTaskRequest>(json);
  return InvalidArgument("unknown request type " + Shown(type));
}

Status SendGreeting(int fd, const Greeting& greeting, Deadline deadline) {
  Json header = Typed("Hello");
  header.Set("protocol", kLaneProtocol);
  header.Set("build", greeting.build);
  header.Set("environment", greeting.environment);
  return SendMessage(fd, std::move(header), {}, deadline);
}

Status SendRefusal(int fd, const Error& error, Deadline deadline) { return SendError(fd, "Refused", error, deadline); }

Status SendProgress(int fd, const ProgressNote& progress, Deadline deadline) {
  Json header = {{"type", "Progress"}, {"what", progress.what}, {"done", progress.done}, {"total", progress.total}};
  return SendMessage(fd, std::move(header), {}, deadline);
}

Status SendReport(int fd, Json report, Deadline deadline) {
  Json header = Typed("Report");
  header.Set("report", std::move(report));
  return SendMessage(fd, std::move(header), {}, deadline);
}

Status SendFailure(int fd, const Error& error, Deadline deadline) { return SendError(fd, "Failed", error, deadline); }

}  // namespace passnet::evaluator
