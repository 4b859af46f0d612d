#include "control-plane/api.h"
#include "control-plane/purge_request.h"
#include "lib/wire/json_fields.h"

// The routes that append to the log.
namespace meridian::control {
namespace {

// One request that became several entries: the answers are gathered, and the last one answers.
struct PurgeBatch {
  std::size_t targets = 0;
  std::size_t left = 0;
  std::uint64_t first_seq = UINT64_MAX;
  std::uint64_t seq = 0;
  bool repeated = true;
  std::optional<Error> error;

  void add(const Result<Receipt>& receipt) {
    --left;
    if (!receipt) {
      // What the caller can mend says more than what has only failed.
      if (!error || receipt.error().code == ErrorCode::kInvalid) error = receipt.error();
      return;
    }
    first_seq = std::min(first_seq, receipt->seq);
    seq = std::max(seq, receipt->seq);
    repeated = repeated && receipt->repeated;
  }
  ApiAnswer answer(wire::PurgeMode mode) const {
    if (error) return problem_of(*error);
    ApiAnswer answer;
    answer.status = repeated ? 200 : 201;
    wire::JsonWriter writer(answer.body);
    writer.begin_object().key("seq").number(seq).key("first_seq").number(first_seq);
    writer.key("mode").string(name_of(mode)).key("targets").number(targets);
    writer.key("repeated").flag(repeated).end_object();
    answer.body += '\n';
    return answer;
  }
};

void write_token(const Token& token, wire::JsonWriter& to) {
  to.key("id").string(token.id).key("name").string(token.name).key("role").string(name_of(token.role));
  to.key("sites").begin_array();
  for (const std::string& site : token.sites) to.string(site);
  to.end_array();
}

struct TokenRequest {
  std::string name;
  Role role = Role::kViewer;
  std::vector<std::string> sites;
};
Result<TokenRequest> parse_token_request(std::string_view body) {
  const Result<wire::Json> json = wire::Json::parse(body);
  if (!json) return Failure(json.error());
  wire::JsonFields fields(*json, "");
  TokenRequest request;
  request.name = fields.text("name", 1, kMostNameBytes);
  if (fields.ok() && !is_token_name(request.name)) fields.wrong("name", "is to be printable");
  const Result<Role> role = parse_role(fields.text("role", 1, 16));
  if (role) {
    request.role = *role;
  } else {
    fields.wrong("role", "is to be viewer, purger, operator or admin");
  }
  if (fields.has("sites")) {
    const wire::Json* const sites = fields.array("sites", kMostTokenSites);
    for (std::size_t i = 0; sites != nullptr && i < sites->items().size(); ++i) {
      const wire::Json& site = sites->items()[i];
      if (!site.is(wire::Json::Kind::kString) || site.text().empty() ||
          site.text().size() > wire::kMostSiteBytes)
        fields.wrong("sites", "are to be names of sites");
      request.sites.push_back(site.text());
    }
    if (request.role != Role::kPurger) fields.wrong("sites", "limit a purger only");
  }
  if (const auto finished = fields.finish(); !finished) return Failure(finished.error());
  return request;
}

}  // namespace

void Api::purges(const Request& request) {
  Result<wire::Purge> purge = parse_purge_request(request.call->body());
  if (!purge) {
    const int status = purge.error().code == ErrorCode::kTooLarge ? 413 : 400;
    return request.answer(problem(status, "invalid-purge", purge.error().context));
  }
  if (const std::string refusal = refusal_for(request.token, *purge); !refusal.empty())
    return request.answer(problem(403, "site", refusal));
  const http::FieldList& fields = request.call->request().fields;
  std::string scratch;
  const auto key = parse_idempotency_key(fields.combined("Idempotency-Key", scratch));
  if (!key) return request.answer(problem(400, "idempotency-key", key.error().context));
  const wire::PurgeMode mode = purge->mode;
  auto batch = std::make_shared<PurgeBatch>();
  batch->targets = purge->targets.size();
  std::vector<wire::Purge> parts = split_purge(mode, std::move(purge->targets));
  batch->left = parts.size();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Command command = command_for(request, "purge", serialize(parts[i]));
    command.key = part_key(request.token, *key, i);
    parts_.log.append(std::move(command), [request, batch, mode](Result<Receipt> receipt) {
      batch->add(receipt);
      if (batch->left == 0) request.answer(batch->answer(mode));
    });
  }
}

void Api::tokens(const Request& request) {
  ApiAnswer answer;
  wire::JsonWriter writer(answer.body);
  writer.begin_object().key("tokens").begin_array();
  for (const auto& [id, token] : parts_.log.state()->tokens()) {
    writer.begin_object();
    write_token(token, writer);
    writer.key("seq").number(token.seq).end_object();
  }
  writer.end_array().end_object();
  answer.body += '\n';
  request.answer(answer);
}

void Api::make_a_token(const Request& request) {
  Result<TokenRequest> wanted = parse_token_request(request.call->body());
  if (!wanted) return request.answer(problem(400, "invalid-token", wanted.error().context));
  if (parts_.log.state()->tokens().size() >= kMostTokens)
    return request.answer(problem(422, "too-many-tokens", "There are as many tokens as there may be."));
  const NewToken made = make_token(std::move(wanted->name), wanted->role, std::move(wanted->sites));
  parts_.log.append(command_for(request, "token", serialize(made.token)),
                    [request, made](const Result<Receipt>& receipt) {
                      if (!receipt) return request.answer(problem_of(receipt.error()));
                      ApiAnswer answer;
                      answer.status = 201;
                      wire::JsonWriter writer(answer.body);
                      writer.begin_object();
                      write_token(made.token, writer);
                      writer.key("seq").number(receipt->seq).key("token").string(made.text).end_object();
                      answer.body += '\n';
                      request.answer(answer);
                    });
}

void Api::revoke_token(const Request& request) {
  const State& state = *parts_.log.state();
  const Token* const token = state.token(request.id);
  if (token == nullptr) return request.answer(problem(404, "no-such-token", "There is no token of this id."));
  if (token->role == Role::kAdmin) {
    std::size_t admins = 0;
    for (const auto& [id, each] : state.tokens()) admins += each.role == Role::kAdmin ? 1 : 0;
    if (admins == 1)
      return request.answer(
          problem(409, "last-admin", "Nobody could make tokens any more without this one."));
  }
  std::string payload;
  wire::JsonWriter(payload).begin_object().key("id").string(request.id).end_object();
  parts_.log.append(
      command_for(request, "token-revoked", std::move(payload)), [request](const Result<Receipt>& receipt) {
        if (!receipt) return request.answer(problem_of(receipt.error()));
        ApiAnswer answer;
        wire::JsonWriter(answer.body).begin_object().key("seq").number(receipt->seq).end_object();
        answer.body += '\n';
        request.answer(answer);
      });
}

}  // namespace meridian::control
