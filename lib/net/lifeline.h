#pragma once

namespace meridian {

// A member of an object whose callbacks may destroy it. While a callback runs, a Scope on the stack learns of
// the object's end, so that the code behind the callback knows whether it may still touch it.
class Lifeline {
 public:
  class Scope {
   public:
    explicit Scope(Lifeline& line);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    bool alive() const { return line_ != nullptr; }

   private:
    friend class Lifeline;
    Lifeline* line_;
  };

  Lifeline() = default;
  ~Lifeline();
  Lifeline(const Lifeline&) = delete;
  Lifeline& operator=(const Lifeline&) = delete;
  // Inside a callback.
  bool in_scope() const { return scope_ != nullptr; }

 private:
  Scope* scope_ = nullptr;
};

}  // namespace meridian
