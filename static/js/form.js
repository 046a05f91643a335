// The run's form: another data set has other defaults, and what was changed by hand stays.

const form = document.getElementById("run-form");
form?.elements.dataset.addEventListener("change", event => {
  const query = new URLSearchParams({ dataset: event.target.value });
  for (const field of form.elements) {
    if (field.name && "default" in field.dataset && field.value !== field.dataset.default) query.set(field.name, field.value);
  }
  location.href = `/runs/new?${query}`;
});
