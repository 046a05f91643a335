-- What a search for a learning rate found, as JSON: [[rate, loss or null], …], in the order of its steps.
alter table jobs add column learning_rates text;
