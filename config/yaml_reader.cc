#include "config/yaml_reader.h"

#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace meridian::config {
namespace {

// Looks only at where documents begin.
class DocumentStarts final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override { last_ = {mark.line + 1, mark.column + 1}; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
  }
  void OnMapEnd() override {}
  Place last() const { return last_; }

 private:
  Place last_;
};

// Where the second document begins. Not by YAML::LoadAll: on some texts (a comma first) it finds documents
// without end.
std::optional<Place> second_document(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  DocumentStarts starts;
  if (!parser.HandleNextDocument(starts) || !parser.HandleNextDocument(starts)) return std::nullopt;
  return starts.last();
}

}  // namespace

std::string shown(const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Scalar:
      return in_quotes(node.Scalar());
    case YAML::NodeType::Sequence:
      return "a list of " + std::to_string(node.size());
    case YAML::NodeType::Map:
      return "a mapping";
    case YAML::NodeType::Null:
    case YAML::NodeType::Undefined:
      break;
  }
  return "nothing";
}

std::string resolved_path(const std::string& folder, std::string path) {
  return path.empty() || path.front() == '/' || folder.empty() ? path : folder + "/" + path;
}

std::string folder_of(const std::string& file) {
  const std::size_t slash = file.rfind('/');
  return slash == std::string::npos ? "" : file.substr(0, std::max<std::size_t>(slash, 1));
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    return fail(ErrorCode::kIo, ErrorSource::kOperator, path + ": cannot be read, or is empty");
  }
  return std::move(text).str();
}

Failure refused(const Problems& problems) {
  return fail(ErrorCode::kInvalid, ErrorSource::kOperator, problems.text());
}

MappingReader::MappingReader(ReadState& state, const YAML::Node& mapping, std::string path)
    : state_(state), path_(std::move(path)) {
  state_.problems.note(path_, place_of(mapping));
  if (mapping.size() > kMaxKeys) {
    state_.problems.add(path_, "found a mapping of " + std::to_string(mapping.size()) +
                                   " keys, allowed: at most " + std::to_string(kMaxKeys));
    return;
  }
  for (const auto& pair : mapping) {
    const YAML::Node &key = pair.first, &value = pair.second;
    if (!state_.count()) return;
    if (!key.IsScalar()) {
      state_.problems.add_at(place_of(key), path_, "found " + shown(key) + " as a key, allowed: a word");
      continue;
    }
    const auto twice =
        std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.key == key.Scalar(); });
    if (twice != entries_.end()) {
      const Place first = place_of(twice->key_node);
      state_.problems.add_at(place_of(key), below(twice->key),
                             "the key is there twice, first in line " + std::to_string(first.line));
      continue;
    }
    entries_.push_back({key.Scalar(), key, value});
  }
}

YAML::Node MappingReader::lookup(std::string_view key) {
  for (const Entry& entry : entries_) {
    if (entry.key != key) continue;
    // An empty value has no place of its own worth showing: its key has.
    state_.problems.note(below(key), entry.value.IsNull() ? place_of(entry.key_node) : place_of(entry.value));
    return entry.value;
  }
  return YAML::Node(YAML::NodeType::Undefined);
}

void MappingReader::finish() {
  for (const Entry& entry : entries_) {
    if (std::find(known_.begin(), known_.end(), entry.key) != known_.end()) continue;
    std::string sentence = "unknown key " + in_quotes(entry.key);
    const std::string_view near = nearest(entry.key, known_);
    if (!near.empty()) {
      sentence.append("; did you mean \"").append(near).append("\"?");
    } else {
      sentence += "; known here:";
      for (std::string_view key : known_) sentence.append(" ").append(key);
    }
    state_.problems.add_at(place_of(entry.key_node), path_, sentence);
  }
}

void MappingReader::param(std::string_view key, StatusTtls::Value& to, StatusTtls kind,
                          const Allowed& allowed, std::string_view) {
  const YAML::Node node = take(key, allowed.required, [&] { return std::string(expected(kind)); });
  if (!node.IsDefined()) return;
  const std::string path = below(key);
  if (!node.IsMap() || node.size() > kMaxKeys) return wrong(path, node, expected(kind));
  to.clear();
  for (const auto& pair : node) {
    const YAML::Node &status_node = pair.first, &ttl_node = pair.second;
    if (!state_.count()) return;
    const auto status = status_node.IsScalar() ? parse_status(status_node.Scalar()) : std::nullopt;
    const auto ttl_s = ttl_node.IsScalar() ? parse(Seconds{}, ttl_node.Scalar()) : std::nullopt;
    if (!status || !ttl_s) {
      const YAML::Node& bad = status ? ttl_node : status_node;
      state_.problems.add_at(place_of(bad), path,
                             "found " + shown(bad) + ", allowed: " + std::string(expected(kind)));
      continue;
    }
    // Not *status: g++ 12 at -O2 takes that for a read of what may not be there, in spite of the check above.
    const StatusTtl line{status.value_or(0), ttl_s.value_or(0)};
    if (std::any_of(to.begin(), to.end(), [&](const StatusTtl& t) { return t.status == line.status; })) {
      state_.problems.add_at(place_of(status_node), path,
                             "status " + std::to_string(line.status) + " is there twice");
    } else {
      to.push_back(line);
    }
  }
}

YAML::Node parse_document(std::string_view text, Problems& problems) {
  if (text.size() > kMaxFileBytes) {
    problems.add("", "the file has more than " + show(Bytes{}, kMaxFileBytes));
    return {};
  }
  try {
    const std::string copy(text);
    YAML::Node document = YAML::Load(copy);
    if (!document.IsMap()) {
      problems.add("", "found " + shown(document) + ", allowed: a mapping (key: value)");
    } else if (const std::optional<Place> second = second_document(copy)) {
      problems.add_at(*second, "", "a second document begins here; allowed: one");
    } else {
      return document;
    }
  } catch (const YAML::Exception& error) {
    const YAML::Mark& mark = error.mark;
    problems.add_at(mark.is_null() ? Place{} : Place{mark.line + 1, mark.column + 1}, "",
                    "not YAML: " + error.msg);
  }
  return {};
}

}  // namespace meridian::config
