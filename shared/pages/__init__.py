"""What every service's pages are made of: layout, style sheet, words, dates, the life line."""
